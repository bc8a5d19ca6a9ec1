"""Rendering what a cluster is told to run."""
