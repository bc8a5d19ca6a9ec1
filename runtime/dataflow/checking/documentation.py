"""Documentation: what the README and the dashboard's pages say about themselves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dataflow.checking.checklist import Finding, Point, judged, missing, not_applicable
from dataflow.checking.subject import read_text
from dataflow.shared.yaml_document import parse_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dataflow.checking.subject import Subject

__all__ = ["check_documentation"]

_README = "README.md"
# The parts that every config.yaml has.
_SECTIONS = ("workflow", "ingestion", "transformation", "load")
_SHORTEST_PURPOSE = 3
_FRONT_MATTER = re.compile(r"\A---\r?\n(?P<yaml>.*?)^---\s*$", re.MULTILINE | re.DOTALL)


def check_documentation(subject: Subject) -> list[Point]:
    """Judge the README and the descriptions of the dashboard's pages."""
    if subject.readme is None:
        lacking = Finding(subject.shown(_README), "There is no README.md.", "Write one.")
        readme = [missing("readme", lacking), missing("options", lacking)]
    else:
        readme = [
            judged("readme", _readme(subject, subject.readme)),
            judged("options", _options(subject, subject.readme)),
        ]
    return [*readme, _dashboard(subject)]


def _readme(subject: Subject, text: str) -> Iterator[Finding]:
    file = subject.shown(_README)
    if len(_purpose(text).split()) < _SHORTEST_PURPOSE:
        yield Finding(
            file,
            "The README does not say what the workflow is for.",
            "Say it in a sentence below the title.",
            1,
        )
    steps = {"extract": r"extract|ingest|fetch", "transform": r"transform|clean"}
    table = str(subject.setting("load", "table") or "")
    if table:
        steps[f"load into raw.{table}"] = rf"\braw\.{re.escape(table)}\b"
    if subject.has("dbt"):
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


def _options(subject: Subject, text: str) -> Iterator[Finding]:
    words = set(re.findall(r"\w+(?:\.yaml)?", text))
    sections = dict.fromkeys([*_SECTIONS, *map(str, subject.document.values)])
    lacking = [name for name in ("config.yaml", *sections) if name not in words]
    if lacking:
        yield Finding(
            subject.shown(_README),
            f"The README does not say what can be set in {', '.join(lacking)}.",
            "Say what the parts of config.yaml are for: "
            f"{', '.join(f'`{name}`' for name in sections)}.",
        )


def _dashboard(subject: Subject) -> Point:
    if not subject.has("evidence"):
        return not_applicable("dashboard", "there is no folder evidence")
    findings: list[Finding] = []
    pages = sorted((subject.folder / "evidence" / "pages").rglob("*.md"))
    for page in pages:
        file = subject.project.relative(page)
        known = _front_matter(page)
        findings += [
            Finding(
                file, f"The page has no {key}.", f"Write `{key}:` between the dashes on top.", 1
            )
            for key in ("title", "description")
            if not str(known.get(key) or "").strip()
        ]
    if subject.readme is not None and not re.search(r"dashboard", subject.readme, re.IGNORECASE):
        findings.append(
            Finding(
                subject.shown(_README),
                "The README does not mention the dashboard.",
                "Say what it shows, and for whom.",
            )
        )
    return judged("dashboard", findings, f"{len(pages)} page{'' if len(pages) == 1 else 's'}")


def _front_matter(page: Path) -> dict[str, object]:
    found = _FRONT_MATTER.match(read_text(page) or "")
    return parse_yaml(found["yaml"].encode()).values if found else {}
