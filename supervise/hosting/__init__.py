"""Many loggers in one process."""
