"""Keeping existing workflows up to date with their template."""
