"""The control daemon: vtctl commands over gRPC, acting on the topology and on tablets."""
