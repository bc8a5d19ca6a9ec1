"""What is wrong when a workflow's tables cannot be published."""

from __future__ import annotations

from dataflow.shared.errors import DataflowError


class PublishError(DataflowError):
    """A source query of a workflow's dashboard cannot be run.

    Why: The SQL files that say what a workflow publishes are run on its tables at the end of
    each run, and one of them fails there. The dashboards keep the last good data.

    What to do: Fix the query. `dataflow workflow check NAME` tries it without a run; `dataflow
    workflow run NAME --only dashboard` publishes again without asking the source.
    """
