"""etcd v3 over gRPC: values, transactions, leases, and watches that outlive restarts. I/O."""
