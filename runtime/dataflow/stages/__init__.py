"""The stages that config.yaml can name."""
