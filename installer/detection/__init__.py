"""Which init system runs a host: evidence, and the verdict on it."""
