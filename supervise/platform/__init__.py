"""Calls that differ from system to system, under names that all of them have."""
