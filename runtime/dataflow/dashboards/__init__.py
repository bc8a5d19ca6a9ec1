"""The project's Evidence site: publishing, building, serving."""
