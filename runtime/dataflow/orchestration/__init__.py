"""Dagster: the instance, the jobs' steps, runs and the code location."""
