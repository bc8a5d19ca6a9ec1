"""Sales, from the file to the published mart."""
