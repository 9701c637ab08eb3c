"""One MySQL server: flavor, configuration, process (mysqlctld), replication, admin statements."""
