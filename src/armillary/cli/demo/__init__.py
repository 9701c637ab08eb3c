"""The whole backup and restore procedure, walked through with real clients and checked."""
