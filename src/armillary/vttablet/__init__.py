"""Agent beside one mysqld: role, health, replication, backups."""
