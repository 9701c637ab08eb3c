"""What `armillary status` shows, read from the API server and the tablets."""
