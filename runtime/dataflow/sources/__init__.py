"""The kinds of sources: what each is told, and how it is read."""
