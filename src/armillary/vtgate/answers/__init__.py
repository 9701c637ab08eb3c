"""What a client gets back: relayed raw, made here, or merged of several shards'."""
