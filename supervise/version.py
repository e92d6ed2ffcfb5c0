"""Which slashservice this is. The package's metadata and the installer take it from here."""

VERSION = "0.1.0"
