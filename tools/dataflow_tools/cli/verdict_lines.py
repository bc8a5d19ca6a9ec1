"""How a verdict is printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataflow_tools.checks.protocol import Verdict

MARKS = {
    "met": click.style("✓", fg="green"),
    "missing": click.style("✗", fg="red"),
    "not applicable": "-",
    "advised": click.style("!", fg="yellow"),
}


def verdict_lines(heading: str, verdict: Verdict) -> Iterator[str]:
    """A line with a mark, and two for each finding: what is wrong where, and what to do."""
    yield f"  {MARKS[verdict.status.value]} {heading}".rstrip()
    for finding in verdict.findings:
        place = f"{click.style(finding.place, bold=True)}: " if finding.place else ""
        yield f"      {place}{finding.statement}"
        yield f"        {finding.remedy}"
