"""The parent of one machine's control plane: starts, restarts, stops, and knows who runs."""
