"""A Kubernetes-compatible API server for one machine: aiohttp in front, etcd behind."""
