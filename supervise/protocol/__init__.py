"""What supervisor and clients agree on, on disk."""
