"""Pod addresses, host names and the Service proxy."""
