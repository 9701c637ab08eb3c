"""Statements: tokens, kinds, parse, rewrite. Pure."""
