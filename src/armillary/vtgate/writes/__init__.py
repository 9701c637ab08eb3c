"""What changes rows of sharded tables, and the lookup rows and sequences that go with them."""
