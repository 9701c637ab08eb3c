"""The API server over TLS, with a real client, on memory or a real etcd."""
