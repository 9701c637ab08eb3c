"""gRPC with Vitess's services: handlers and stubs from descriptors, status, auth, clients. I/O."""
