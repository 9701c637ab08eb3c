"""VitessShard: tablets, backups, the primary, replication and topology of one shard."""
