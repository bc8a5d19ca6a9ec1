"""Rows from web APIs."""
