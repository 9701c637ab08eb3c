"""Custom resources in; pods, services and volumes out."""
