"""A small client of etcd's v3 API: reads, transactions, leases, watches that resume."""
