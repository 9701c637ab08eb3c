"""OpenAPI schemas: of the built-in kinds, and the structural ones of CRDs."""
