"""One run of a workflow: its steps, its Dagster job and its history."""
