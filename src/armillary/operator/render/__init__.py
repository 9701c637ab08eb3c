"""Pieces of Kubernetes objects: names, labels, flags, mounts, probes. Pure."""
