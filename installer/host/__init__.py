"""The machine installed on: read and changed, locally, over SSH, or in a folder."""
