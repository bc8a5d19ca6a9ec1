"""Documentation: what the README and the dashboard's pages say about themselves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dataflow.shared.yaml_document import parse_yaml
from dataflow_tools.checks.checklist import Finding, Point, judged, missing, not_applicable
from dataflow_tools.checks.workflow_source import read_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dataflow_tools.checks.workflow_source import WorkflowSource

_README = "README.md"
# The parts that every config.yaml has.
_SECTIONS = ("workflow", "ingestion", "transformation", "load")
_SHORTEST_PURPOSE = 3
_FRONT_MATTER = re.compile(r"\A---\r?\n(?P<yaml>.*?)^---\s*$", re.MULTILINE | re.DOTALL)


def check_documentation(workflow: WorkflowSource) -> list[Point]:
    """Judge the README and the descriptions of the dashboard's pages."""
    if workflow.readme is None:
        lacking = Finding(workflow.shown(_README), "There is no README.md.", "Write one.")
        readme = [missing("readme", lacking), missing("options", lacking)]
    else:
        readme = [
            judged("readme", _readme(workflow, workflow.readme)),
            judged("options", _options(workflow, workflow.readme)),
        ]
    return [*readme, _dashboard(workflow)]


def _readme(workflow: WorkflowSource, text: str) -> Iterator[Finding]:
    file = workflow.shown(_README)
    if len(_purpose(text).split()) < _SHORTEST_PURPOSE:
        yield Finding(
            file,
            "The README does not say what the workflow is for.",
            "Say it in a sentence below the title.",
            1,
        )
    steps = {"extract": r"extract|ingest|fetch", "transform": r"transform|clean"}
    table = str(workflow.setting("load", "table") or "")
    if table:
        steps[f"load into raw.{table}"] = rf"\braw\.{re.escape(table)}\b"
    if workflow.has("dbt"):
        steps["model with dbt"] = r"\bdbt\b|\bmodel"
    lacking = [step for step, words in steps.items() if not re.search(words, text, re.IGNORECASE)]
    if lacking:
        yield Finding(
            file,
            f"The README does not say how the data flows: {', '.join(lacking)}.",
            "Name each step, and the table that it writes.",
        )


def _purpose(text: str) -> str:
    """The first words of a README that are neither a heading, a table, code nor a picture."""
    for block in re.split(r"\n\s*\n", text):
        lines = [
            line for line in block.splitlines() if not re.match(r"\s*(#|\||```|!\[|<!--)", line)
        ]
        if lines and not re.match(r"\s*(#+ .*\n)?\s*(```|\|)", block):
            return " ".join(lines)
        if re.match(r"\s*##", block):
            return ""
    return ""


def _options(workflow: WorkflowSource, text: str) -> Iterator[Finding]:
    words = set(re.findall(r"\w+(?:\.yaml)?", text))
    sections = dict.fromkeys([*_SECTIONS, *map(str, workflow.document.values)])
    lacking = [name for name in ("config.yaml", *sections) if name not in words]
    if lacking:
        yield Finding(
            workflow.shown(_README),
            f"The README does not say what can be set in {', '.join(lacking)}.",
            "Say what the parts of config.yaml are for: "
            f"{', '.join(f'`{name}`' for name in sections)}.",
        )


def _dashboard(workflow: WorkflowSource) -> Point:
    if not workflow.has("evidence"):
        return not_applicable("dashboard", "there is no folder evidence")
    findings: list[Finding] = []
    pages = sorted((workflow.folder / "evidence" / "pages").rglob("*.md"))
    for page in pages:
        file = workflow.project.relative(page)
        known = _front_matter(page)
        findings += [
            Finding(
                file, f"The page has no {key}.", f"Write `{key}:` between the dashes on top.", 1
            )
            for key in ("title", "description")
            if not str(known.get(key) or "").strip()
        ]
    if workflow.readme is not None and not re.search(r"dashboard", workflow.readme, re.IGNORECASE):
        findings.append(
            Finding(
                workflow.shown(_README),
                "The README does not mention the dashboard.",
                "Say what it shows, and for whom.",
            )
        )
    return judged("dashboard", findings, f"{len(pages)} page{'' if len(pages) == 1 else 's'}")


def _front_matter(page: Path) -> dict[str, object]:
    found = _FRONT_MATTER.match(read_text(page) or "")
    return parse_yaml(found["yaml"].encode()).values if found else {}
