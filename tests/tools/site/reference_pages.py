"""The snippets of the dashboards' reference, as the pages of a workflow.

The documentation is the source: every ``html`` fence below a heading is put on a page, with all
``sql`` fences of its file as the page's queries; a fence whose name is a path is that file.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from tests.browser_fixtures import WatchedPage
from tests.conftest import REPOSITORY

DOCS = REPOSITORY / "docs"
PICTURES = DOCS / "pictures"
NAMES = ("dashboards-charts", "dashboards-inputs", "dashboards-layout")
# Charts come up with an animation.
_ARE_DRAWN = """() => Object.values(window[Symbol.for('__evidence-chart-window-debug__')] ?? {})
    .every((chart) => chart.isDisposed() || chart.getZr().animation.isFinished())"""
_PART = re.compile(
    r"^### (?P<heading>[^\n]+)$|^```(?P<language>\w+)(?: (?P<name>\S+))?\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass
class Reference:
    """A page of the reference.

    Args:
        files: What its fences say is in the workflow's ``evidence`` folder.
        sections: The snippet of each heading, by the heading's name in addresses.
        page: All of it as a page.
    """

    files: dict[str, str] = field(default_factory=dict)
    sections: dict[str, str] = field(default_factory=dict)
    page: str = ""


def read_reference(name: str) -> Reference:
    """Take the fences of a page of the documentation."""
    found, queries, section = Reference(), [], ""
    for part in _PART.finditer((DOCS / f"{name}.md").read_text(encoding="utf-8")):
        if part["heading"]:
            section = slug(part["heading"])
        elif part["name"] and "/" in part["name"]:
            found.files[part["name"]] = part["code"]
        elif part["language"] == "sql":
            queries.append(f"```sql {part['name']}\n{part['code']}```\n")
        elif part["language"] == "html":
            found.sections[section] = part["code"]
    shown = [f'<div id="{key}">\n\n{code}\n</div>\n' for key, code in found.sections.items()]
    found.page = "\n".join([f"# {name}\n", *queries, *shown])
    return found


def slug(heading: str) -> str:
    """A heading as it stands in an address.

    >>> slug("ReferenceLine, ReferenceArea")
    'referenceline-referencearea'
    """
    return re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")


def write_reference(folder: Path) -> dict[str, Reference]:
    """Write all pages into a workflow's ``evidence`` folder."""
    pages = {name: read_reference(name) for name in NAMES}
    for name, reference in pages.items():
        for path, content in {**reference.files, f"pages/{name}.md": reference.page}.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(content, encoding="utf-8")
    return pages


def take_pictures(watched: WatchedPage, name: str, folder: Path) -> dict[str, Path]:
    """Photograph each snippet of an open page.

    They go into the documentation where the variable DATAFLOW_DOCS_PICTURES is set.
    """
    home = PICTURES if os.environ.get("DATAFLOW_DOCS_PICTURES") else folder
    # The head of the page would lie over what is scrolled.
    style = "header { display: none !important } article { padding-bottom: 3rem }"
    taken = {}
    for key in read_reference(name).sections:
        path = home / f"{key}.png"
        part = watched.page.locator(f"#{key}")
        part.scroll_into_view_if_needed()
        watched.page.wait_for_function(_ARE_DRAWN)
        part.screenshot(path=path, animations="disabled", style=style)
        taken[key] = path
    return taken
