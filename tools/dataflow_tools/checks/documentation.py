"""Documentation: what the README and the dashboard's pages say about themselves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dataflow.shared.yaml_document import parse_yaml
from dataflow_tools.checks.protocol import Group, Status, Verdict, check, judged, not_applicable
from dataflow_tools.checks.workflow_source import read_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dataflow.shared.finding import Finding
    from dataflow_tools.checks.workflow_source import WorkflowSource

_README = "README.md"
_NO_README = ("There is no README.md.", "Write one.", _README)
# The parts that every config.yaml has.
_SECTIONS = ("workflow", "ingestion", "transformation", "load")
_SHORTEST_PURPOSE = 3
_FRONT_MATTER = re.compile(r"\A---\r?\n(?P<yaml>.*?)^---\s*$", re.MULTILINE | re.DOTALL)


@check(Group.DOCUMENTATION, "the README says what it is for and how the data flows", position=1)
def check_readme(workflow: WorkflowSource) -> Iterator[Finding]:
    """Look for a first sentence, and for each step."""
    text = workflow.readme
    if text is None:
        yield workflow.finding(*_NO_README)
        return
    if len(_purpose(text).split()) < _SHORTEST_PURPOSE:
        reason = "The README does not say what the workflow is for."
        yield workflow.finding(reason, "Say it in a sentence below the title.", _README, 1)
    steps = {"extract": r"extract|ingest|fetch", "transform": r"transform|clean"}
    if workflow.reads_others_alone:
        steps = {f"read {name}": rf"\b{re.escape(name)}\b" for name in workflow.upstreams}
    is_told = workflow.setting("load", "table")
    for source in (s for s in workflow.sources if s.name or is_told):
        steps[f"load into raw.{source.table}"] = rf"\braw\.{re.escape(source.table)}\b"
    if workflow.has("dbt"):
        steps["model with dbt"] = r"\bdbt\b|\bmodel"
    lacking = [step for step, words in steps.items() if not re.search(words, text, re.IGNORECASE)]
    if lacking:
        reason = f"The README does not say how the data flows: {', '.join(lacking)}."
        yield workflow.finding(reason, "Name each step, and the table that it writes.", _README)


@check(Group.DOCUMENTATION, "the README says what can be configured", position=2)
def check_options(workflow: WorkflowSource) -> Iterator[Finding]:
    """Look for the name of each part of config.yaml."""
    if workflow.readme is None:
        yield workflow.finding(*_NO_README)
        return
    words = set(re.findall(r"\w+(?:\.yaml)?", workflow.readme))
    known = () if workflow.reads_others_alone else _SECTIONS
    sections = dict.fromkeys([*known, *map(str, workflow.document.values)])
    lacking = [name for name in ("config.yaml", *sections) if name not in words]
    if lacking:
        reason = f"The README does not say what can be set in {', '.join(lacking)}."
        shown = ", ".join(f"`{name}`" for name in sections)
        yield workflow.finding(
            reason, f"Say what the parts of config.yaml are for: {shown}.", _README
        )


@check(Group.DOCUMENTATION, "the dashboard is described", position=3)
def check_dashboard(workflow: WorkflowSource) -> Verdict:
    """Look at the head of each page, and for the dashboard in the README."""
    if not workflow.has("evidence"):
        return not_applicable("there is no folder evidence")
    pages = sorted((workflow.folder / "evidence" / "pages").rglob("*.md"))
    lacking = {
        key: [
            workflow.finding(
                f"The page has no {key}.", f"Write `{key}:` between the dashes on top.", page, 1
            )
            for page in pages
            if not str(_front_matter(page).get(key) or "").strip()
        ]
        for key in ("title", "description")
    }
    findings = lacking["title"]
    if workflow.readme is not None and not re.search(r"dashboard", workflow.readme, re.IGNORECASE):
        reason = "The README does not mention the dashboard."
        findings.append(workflow.finding(reason, "Say what it shows, and for whom.", _README))
    detail = f"{len(pages)} page{'' if len(pages) == 1 else 's'}"
    if not findings and lacking["description"]:
        # The site's own does for a page that has none: nothing is wrong with the workflow.
        return Verdict(Status.ADVISED, detail, tuple(lacking["description"]))
    return judged([*findings, *lacking["description"]], detail)


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


def _front_matter(page: Path) -> dict[str, object]:
    found = _FRONT_MATTER.match(read_text(page) or "")
    return parse_yaml(found["yaml"].encode()).values if found else {}
