"""The process that owns one mysqld: start, stop, first data directory."""
