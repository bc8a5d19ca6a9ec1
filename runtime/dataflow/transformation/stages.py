"""The path of version 0.1 to `apply_stages`."""

from dataflow.shared.deprecation import moved
from dataflow.stages.apply import apply_stages

__all__ = ["apply_stages"]

moved(__name__, "from dataflow.authoring import apply_stages")
