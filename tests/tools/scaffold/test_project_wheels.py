"""Where a new project takes the library from, for each way in which a person has installed it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import jinja2
import pytest
from tests.conftest import REPOSITORY

from dataflow_tools.scaffold.project_wheels import library_answer, place_wheels

WHEELS = ("dataflow_runtime-9.8.7-py3-none-any.whl", "dataflow_tools-9.8.7-py3-none-any.whl")


def install(folder: Path, wheel: Path | None) -> None:
    """Put the tools into a folder, as pip does of a wheel that was named, or found by its name."""
    info = folder / "dataflow_tools-9.8.7.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: dataflow-tools\nVersion: 9.8.7\n")
    if wheel is not None:
        (info / "direct_url.json").write_text(json.dumps({"url": wheel.as_uri()}))


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """A folder with both wheels, and older ones."""
    folder = tmp_path / "a folder"
    folder.mkdir()
    for name in (*WHEELS, "dataflow_tools-9.8.6-py3-none-any.whl"):
        (folder / name).touch()
    return folder


def test_wheels_that_were_named_go_along(
    dist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both of this version are in the project, whose uv looks there; without one, the index."""
    install(tmp_path / "site", dist / WHEELS[1])
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert library_answer() == "wheels"
    (tmp_path / "shop" / "wheels").mkdir(parents=True)
    (line,) = place_wheels(tmp_path / "shop", {"library": "wheels"})
    assert "in its folder wheels/" in line
    assert {path.name for path in (tmp_path / "shop" / "wheels").iterdir()} == {*WHEELS}
    (dist / WHEELS[0]).unlink()
    assert library_answer() == "index"


def test_a_folder_of_links_is_not_recorded_and_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever installed by --find-links is told the two lines that uv needs."""
    install(tmp_path / "site", None)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert library_answer() == "index"
    said = "\n".join(place_wheels(tmp_path / "shop", {"library": "index"}))
    assert "dataflow-tools 9.8.7 from your package index" in said
    assert "cp FOLDER/dataflow_*-9.8.7-*.whl" in said
    assert 'find-links = ["wheels"]' in said
    (line,) = place_wheels(tmp_path / "shop", {"library": "wheels"})
    assert "before `uv sync`" in line
    assert place_wheels(tmp_path / "shop", {"library": "repository"}) == []


@pytest.mark.parametrize("library", ["wheels", "index", "repository"])
def test_uv_looks_into_the_folder_that_is_there(library: str) -> None:
    """`find-links` and the folder are rendered together: uv refuses a folder that is not there."""
    template = REPOSITORY / "template" / "project"
    text = (template / "pyproject.toml.jinja").read_text(encoding="utf-8")
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True, autoescape=False)  # noqa: S701
    environment.filters["regex_replace"] = lambda text, *_: text
    copier: dict[str, object] = {"_copier_answers": {}, "_copier_conf": {}}
    answers = {"library": library, "runtime_version": "1", **copier}
    rendered = environment.from_string(text).render(answers)
    uv = tomllib.loads(rendered)["tool"].get("uv", {})
    folders = [
        name
        for path in template.iterdir()
        if (name := environment.from_string(path.name).render(**answers)) == "wheels"
    ]
    assert uv.get("find-links", []) == folders == (["wheels"] if library == "wheels" else [])
