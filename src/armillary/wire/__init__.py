"""The MySQL protocol. Sans-IO."""
