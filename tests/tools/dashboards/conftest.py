"""The fixtures that the tests of publishing and of the site share."""

from tests.dashboard_fixtures import add_workflow, project

__all__ = ["add_workflow", "project"]
