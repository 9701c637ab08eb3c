"""A session's transaction over its shards."""
