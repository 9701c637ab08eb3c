"""Armillary runs sharded MySQL: clusters from one resource, backups, restores, one endpoint."""
