"""The code on the plug-in pages runs, and is of the kind that its page is about."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from dataflow.publish.kind import PublisherKind
from dataflow.shared.config_model import Parameters
from dataflow.shared.project import Project
from dataflow.sources.kind import ReadRequest, SourceKind
from dataflow.stages.kind import StageKind
from dataflow.warehouse.kind import WarehouseKind
from dataflow_tools.checks.protocol import Check
from dataflow_tools.checks.workflow_source import WorkflowSource
from dataflow_tools.dashboards.kind import SiteKind

PAGES = Path(__file__).parents[2] / "docs" / "plugins"


def code_of(page: str) -> dict[str, Any]:
    blocks = re.findall(r"```python\n(.*?)```", (PAGES / page).read_text(), re.DOTALL)
    names: dict[str, Any] = {"__name__": "page"}
    exec(compile("\n".join(blocks), page, "exec", dont_inherit=True), names)  # noqa: S102 - our own page
    return names


@pytest.mark.parametrize(
    ("page", "kind"),
    [("warehouses.md", WarehouseKind), ("publishers.md", PublisherKind)],
)
def test_the_page_shows_a_kind(page: str, kind: type) -> None:
    """Its settings are a model with a name of its own."""
    shown = code_of(page)["KIND"]
    assert isinstance(shown, kind)
    assert "type" in vars(shown)["settings"].known_keys()


def test_the_source_of_the_page_reads(tmp_path: Path) -> None:
    """A row for each file."""
    (tmp_path / "a.txt").write_text("abc")
    kind = code_of("sources.md")["KIND"]
    assert isinstance(kind, SourceKind)
    settings = kind.settings.model_validate({"type": "folder", "path": str(tmp_path)})
    assert kind.read(settings, ReadRequest(Parameters())).data == [{"name": "a.txt", "bytes": 3}]


def test_the_stage_of_the_page_renames() -> None:
    """A column gets the name that the options give it."""
    kind = code_of("stages.md")["KIND"]
    assert isinstance(kind, StageKind)
    options = kind.options.model_validate({"columns": {"a": "b"}})
    assert kind.apply(pa.table({"a": [1]}), options).column_names == ["b"]


def test_the_site_of_the_page_is_built(tmp_path: Path) -> None:
    """A list of what is published, which is nothing yet, beside the data."""
    kind = code_of("sites.md")["KIND"]
    assert isinstance(kind, SiteKind)
    (tmp_path / "pyproject.toml").write_text("[tool.dataflow]\n")
    built = kind.build(Project(tmp_path), print, None)
    assert (built.folder / "index.html").read_text() == ""
    assert built.pages == {}


def test_the_command_of_the_page_is_one() -> None:
    """Click knows it by its function's name."""
    assert code_of("commands.md")["where"].name == "where"


def test_the_check_of_the_page_judges(tmp_path: Path) -> None:
    """A README without an owner is found, and one with an owner is not."""
    (tmp_path / "pyproject.toml").write_text("[tool.dataflow]\n")
    project = Project(tmp_path)
    readme = project.workflow_dir("sales") / "README.md"
    readme.parent.mkdir(parents=True)
    shown = code_of("checks.md")["check_owner"]
    assert isinstance(shown, Check)
    for text, reasons in (("", ["Nobody owns it."]), ("Owner: Ada", [])):
        readme.write_text(text)
        verdict = shown(WorkflowSource(project, "sales"))
        assert [finding.reason for finding in verdict.findings] == reasons


def test_every_page_is_listed() -> None:
    """The index names each page."""
    index = (PAGES / "README.md").read_text()
    assert [page.name for page in PAGES.glob("*.md") if page.name not in index] == ["README.md"]
