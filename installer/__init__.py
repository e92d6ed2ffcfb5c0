"""The installer: find the init system that runs a host, and wire ``svscanboot`` into it."""

VERSION = "0.1.0"
"""The version; ``pyproject.toml`` says the same, and a test sees to it."""
