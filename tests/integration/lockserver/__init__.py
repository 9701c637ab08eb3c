"""The lockserver as the operator renders it, with real etcds."""
