"""The commands that these tools add to `dataflow`."""
