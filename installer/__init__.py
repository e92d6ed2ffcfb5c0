"""The installer: find the init system that runs a host, and wire ``svscanboot`` into it."""
