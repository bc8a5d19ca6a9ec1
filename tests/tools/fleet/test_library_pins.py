"""The library's version in a pyproject.toml that a person edited."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.version import Version

from dataflow_tools.fleet.library_pins import move_pins, runtime_version
from dataflow_tools.fleet.tree import Entry

BASE = """\
dependencies = ["dataflow-runtime[all]==0.1.0"]
dev = [
  "mypy>=1",
]
[tool.uv.sources]
dataflow-runtime = { git = "https://t.test/t.git", rev = "v0.1.0" }

[tool.dataflow]
"""
THEIRS = """\
dependencies = ["dataflow-runtime[all]==0.2.0"]
dev = [
  "dataflow-tools==0.2.0",
  "mypy>=1",
]
[tool.uv.sources]
dataflow-runtime = { git = "https://t.test/t.git", rev = "v0.2.0", subdirectory = "runtime" }
dataflow-tools = { git = "https://t.test/t.git", rev = "v0.2.0", subdirectory = "tools" }

[tool.dataflow]
"""


def moved(ours: str, base: str = BASE, theirs: str = THEIRS) -> tuple[str, str]:
    entries = [Entry(text.encode()) for text in (base, ours, theirs)]
    old, mine = move_pins(entries[0], entries[1], entries[2])
    return old.data.decode(), mine.data.decode()


def test_what_a_person_did_not_edit_is_the_templates() -> None:
    """With both moved, nothing is left to merge."""
    assert moved(BASE) == (THEIRS, THEIRS)


@pytest.mark.parametrize(
    ("edited", "wanted"),
    [
        ('["dataflow-runtime[run,dbt]==0.1.0"]', '["dataflow-runtime[run,dbt]==0.2.0"]'),
        ('["dataflow-runtime==0.1.0", "httpx"]', '["dataflow-runtime==0.2.0", "httpx"]'),
        ('[\n    "dataflow-runtime[all]==0.1.0",\n]', '[\n    "dataflow-runtime[all]==0.2.0",\n]'),
        ('["dataflow-runtime[all]==0.1.7"]', '["dataflow-runtime[all]==0.1.7"]'),
        ('["dataflow-runtime[all]>=0.1"]', '["dataflow-runtime[all]>=0.1"]'),
    ],
    ids=["extras", "another", "lines", "own version", "range"],
)
def test_the_version_moves_in_an_edited_line(edited: str, wanted: str) -> None:
    """Extras and other requirements stay; so does a version that a person chose."""
    ours = BASE.replace('["dataflow-runtime[all]==0.1.0"]', edited)
    theirs = THEIRS.replace('["dataflow-runtime[all]==0.2.0"]', wanted)
    assert moved(ours)[1] == theirs


def test_a_source_of_ones_own_stays() -> None:
    """Who takes the library from a folder goes on doing so; the merge shows the difference."""
    own = 'dataflow-runtime = { path = "../runtime" }\n'
    line = next(line for line in BASE.splitlines(keepends=True) if "rev" in line)
    old, mine = moved(BASE.replace(line, own))
    assert own in mine
    assert line in old


def test_the_tools_are_added_once_and_where_the_template_has_them() -> None:
    """Not a second time for someone who has them, nor where the list is not the template's."""
    have = BASE.replace('  "mypy', '  "dataflow-tools==0.1.5",\n  "mypy')
    assert moved(have)[1].count('"dataflow-tools') == 1
    flat = BASE.replace('dev = [\n  "mypy>=1",\n]', 'dev = ["mypy>=1"]')
    old, mine = moved(flat)
    assert ('"dataflow-tools' in mine, '"dataflow-tools' in old) == (False, False)
    twice = BASE + "dev = [\n]\n"
    assert '"dataflow-tools' not in moved(twice)[1]


@pytest.mark.parametrize(
    ("text", "version"),
    [(BASE, Version("0.1.0")), ("[project]\n", None), ('["dataflow-runtime==x!"]', None)],
)
def test_the_version_that_a_project_asks_for(
    tmp_path: Path, text: str, version: Version | None
) -> None:
    """It is read from the requirement; a project without one asks for none."""
    (tmp_path / "pyproject.toml").write_text(text)
    assert runtime_version(tmp_path) == version
    assert runtime_version(tmp_path / "nowhere") is None
