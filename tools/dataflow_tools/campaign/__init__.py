"""Carrying a template version through many repositories, ring by ring."""
