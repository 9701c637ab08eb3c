"""Where the API server's objects live: a durable store, and the one cache that reads come from."""
