"""The commands: a module each, named as the command, with ``main(argv) -> status``."""
