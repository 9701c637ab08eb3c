"""One container: its environment, volumes, sandbox, process, memory limit and logs."""
