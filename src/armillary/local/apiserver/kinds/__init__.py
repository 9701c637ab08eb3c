"""Which resources the API server has: those built in, and those that CRDs add."""
