"""Keeping Kubernetes objects as they should be: compare, create, apply, delete."""
