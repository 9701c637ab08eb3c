"""One client query in, shard queries out, one result back."""
