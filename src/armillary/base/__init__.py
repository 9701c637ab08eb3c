"""What every package may use: errors, clock, logs, retry, metrics."""
