"""From a parsed statement to a plan: where it goes, and what becomes of the answers. Pure."""
