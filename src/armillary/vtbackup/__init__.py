"""One-shot process: restore, catch up, back up, prune; or the first backup of a shard."""
