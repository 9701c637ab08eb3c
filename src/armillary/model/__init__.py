"""The nouns of the field as values: key ranges, tablet aliases, names, GTID sets. Pure."""
