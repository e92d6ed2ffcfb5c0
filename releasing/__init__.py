"""What makes a release: ``./release`` runs it, and leaves in ``dist/`` all that people fetch."""
