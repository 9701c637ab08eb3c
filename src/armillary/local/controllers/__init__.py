"""The controllers of one machine: Deployments, Jobs, garbage, namespaces, claims, endpoints."""
