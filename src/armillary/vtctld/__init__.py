"""Control daemon: the vtctl commands, reparenting, schema, keyspace workflows."""
