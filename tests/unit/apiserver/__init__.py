"""Decisions of the API server that need no server."""
