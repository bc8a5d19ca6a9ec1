"""Old import paths, kept for workflows of version 0.1."""
