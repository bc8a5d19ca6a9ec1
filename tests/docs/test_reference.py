"""The reference pages are those of the code."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def generate() -> Iterator[ModuleType]:
    """The script that writes the pages, which has a module beside it."""
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(DOCS)
        spec.loader.exec_module(module)
        yield module


def kept_pages() -> list[Path]:
    return list((DOCS / "reference").rglob("*.md"))


@pytest.mark.slow
def test_the_pages_are_up_to_date(generate: ModuleType, tmp_path: Path) -> None:
    """Made anew they are the same; else run `make docs`."""
    generate.write_pages(tmp_path)
    made = {page.relative_to(tmp_path) for page in tmp_path.rglob("*.md")}
    assert made == {page.relative_to(DOCS / "reference") for page in kept_pages()}
    for name in made:
        assert (DOCS / "reference" / name).read_text() == (tmp_path / name).read_text(), name


def test_every_key_and_setting_is_explained(generate: ModuleType) -> None:
    """No row of a table lacks its meaning."""
    for page in (generate.config_page(), generate.settings_page()):
        rows = [line for line in page.splitlines() if line.startswith("| `")]
        assert len(rows) > 9
        assert [row for row in rows if not row.rstrip("| ").endswith((".", "`"))] == []


def test_every_group_of_plugins_is_in_the_reference(generate: ModuleType) -> None:
    """Those of the guide, with the kinds that are built in."""
    guide = (DOCS / "plugins" / "README.md").read_text()
    groups = [line.split("`")[1] for line in guide.splitlines() if "| `dataflow." in line]
    page = generate.plugin_page()
    assert [line[3:] for line in page.splitlines() if line.startswith("## ")] == groups
    assert "`api`, `database`, `file`" in page
