"""gRPC clients and servers over the messages of pb, with authentication."""
