"""The path of version 0.1 to `read_source`."""

from dataflow.shared.deprecation import moved
from dataflow.sources.read import read_source

__all__ = ["read_source"]

moved(__name__, "from dataflow.authoring import read_source")
