"""The orders workflow."""
