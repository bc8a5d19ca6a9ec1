"""What is said of models and dashboards that a run has made."""

from __future__ import annotations

from dataflow.modelling.outcomes import BuildResult
from dataflow.runs.table_making import summary_of


def test_a_test_that_warns_has_not_passed() -> None:
    """It is counted apart, and the first one is told: of a run of the service no more is seen."""
    models = ["staging.a", "marts.a"]
    assert summary_of(BuildResult(models, 7)) == "2 models, 7 tests passed"
    warned = ["id of a has no value in 1 row (not_null).", "few_ids: Got 5 results"]
    said = "2 models, 5 tests passed, 2 warned, first: id of a has no value in 1 row (not_null)."
    assert summary_of(BuildResult(models, 7, warned)) == said
    alone = "2 models, 6 tests passed, 1 warned: few_ids: Got 5 results"
    assert summary_of(BuildResult(models, 7, warned[1:])) == alone
