"""From values to keyspace ids, and from those to shards."""
