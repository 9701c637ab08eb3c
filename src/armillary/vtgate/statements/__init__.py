"""One statement of a client: its kind decides who carries it out."""
