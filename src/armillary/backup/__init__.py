"""Engines, storage, manifest, catalog, retention, restore plan, restore, verify."""
