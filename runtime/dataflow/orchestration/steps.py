"""The path of version 0.1 to what a job's ops take and return."""

from dataflow.modelling.outcomes import BuildResult
from dataflow.runs.steps import Steps
from dataflow.runs.stored_table import StoredTable
from dataflow.shared.deprecation import moved
from dataflow.warehouse.kind import LoadResult

__all__ = ["BuildResult", "LoadResult", "Steps", "StoredTable"]

moved(__name__, "from dataflow.authoring import BuildResult, LoadResult, Steps, StoredTable")
