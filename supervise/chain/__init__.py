"""Becoming another program, or another of our commands."""
