"""The path of version 0.1, in workspace.yaml, to the project's Dagster code location."""

from dataflow.runs.code_location import defs
from dataflow.shared.deprecation import moved

__all__ = ["defs"]

moved(__name__, "module_name: dataflow.runs.code_location, in workspace.yaml")
