"""What clients send: JSON, YAML, and the protobuf of a few kinds."""
