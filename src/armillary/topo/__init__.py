"""The topology: cells, keyspaces, shards, tablets, vschemas and locks, in etcd as Vitess has it."""
