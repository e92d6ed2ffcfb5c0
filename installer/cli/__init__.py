"""The command line ``slashservice``: its verbs, and how it starts."""
