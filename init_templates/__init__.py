"""One file per artefact, in the init system's own syntax, readable as it will be installed."""
