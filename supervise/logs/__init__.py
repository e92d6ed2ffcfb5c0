"""Logging: from a block of input to files on disk, and back."""
