"""Which tablet serves, and the connections to its mysqld."""
