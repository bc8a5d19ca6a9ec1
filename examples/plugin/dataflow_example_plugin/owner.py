"""A check: the README of each workflow says who owns it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow_tools.checks.protocol import check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataflow.shared.finding import Finding
    from dataflow_tools.checks.workflow_source import WorkflowSource


@check("House rules", "the README names an owner")
def check_owner(workflow: WorkflowSource) -> Iterator[Finding]:
    """Look for a line that begins with ``Owner:``."""
    lines = (workflow.readme or "").splitlines()
    if not any(line.startswith("Owner:") for line in lines):
        yield workflow.finding("Nobody owns it.", "Add a line `Owner: NAME`.", "README.md")
