"""Columns that `_marts.yml` describes and that the model no longer has."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from dataflow.shared.finding import Finding
from dataflow_tools.checks.dbt_models import check_columns
from dataflow_tools.checks.protocol import Status
from dataflow_tools.checks.tried_workflow import DryRun, Model, Models


@pytest.mark.parametrize(
    ("planned", "raw", "told"),
    [
        (["id", "Name"], "warehouse", ["marts.orders has no amount, note any more"]),
        (["id", "name", "amount", "note"], "warehouse", []),
        # The rows of the tests are not known to have all columns of the source.
        (["id"], "sample", []),
    ],
)
def test_columns_that_are_gone_are_advised(planned: list[str], raw: str, told: list[str]) -> None:
    """By what the model makes now, in any case of letters; not by a sample."""
    described = dict.fromkeys(("id", "name", "amount", "note"), "What it means to people.")
    mart = Model("marts.orders", "models/marts/_marts.yml", "The orders.", described)
    dry_run = DryRun(models=Models(models=[mart]), raw=raw, columns={mart.table: planned}, built={})
    workflow = SimpleNamespace(
        dry_run=dry_run,
        has=lambda _: True,
        finding=lambda reason, told, file: Finding(reason, told, file),
    )
    verdict = check_columns(cast("Any", workflow))
    assert [found.reason.partition(",")[0] for found in verdict.findings] == [
        each.partition(",")[0] for each in told
    ]
    if told:
        assert verdict.status is Status.ADVISED
        assert verdict.findings[0].reason.startswith(told[0])
