"""One client's side: its bytes, its login, its commands."""
