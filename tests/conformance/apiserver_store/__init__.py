"""What both stores of the API server promise."""
