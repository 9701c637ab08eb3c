"""What clients send: JSON, YAML, and protobuf."""
