"""The customers workflow."""
