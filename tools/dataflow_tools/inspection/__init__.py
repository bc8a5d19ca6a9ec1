"""Looking at a source, to start a workflow from its data."""
