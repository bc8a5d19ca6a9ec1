"""The fixtures of a project made by hand."""

from tests.dashboard_fixtures import add_workflow, project

__all__ = ["add_workflow", "project"]
