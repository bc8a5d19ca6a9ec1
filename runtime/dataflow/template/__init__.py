"""Carries template changes into existing workflows without losing what people wrote."""
