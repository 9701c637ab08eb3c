"""What one can do with a resource: read, watch, write, remove. No HTTP here."""
