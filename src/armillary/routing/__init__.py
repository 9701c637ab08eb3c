"""VSchema and vindexes: from a row to a keyspace id to a shard. Pure."""
