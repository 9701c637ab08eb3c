"""What differs between MariaDB and MySQL: statements, names of options, GTID text, tools."""
