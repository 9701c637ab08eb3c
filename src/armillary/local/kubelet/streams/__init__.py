"""What kubectl streams through the API server: logs, exec, port-forward."""
