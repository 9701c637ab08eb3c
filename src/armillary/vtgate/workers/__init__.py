"""One gateway in several processes, so that it can use several cores."""
