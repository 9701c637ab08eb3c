"""VitessKeyspace: from partitionings to shards."""
