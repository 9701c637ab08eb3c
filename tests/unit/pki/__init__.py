"""The credentials of a one-machine cluster."""
