"""EtcdLockserver: three etcd members, their Services, volumes and disruption budget."""
