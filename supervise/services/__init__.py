"""Keeping services alive."""
