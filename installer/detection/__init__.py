"""Find out which init system runs a host: gather evidence, and judge it."""
