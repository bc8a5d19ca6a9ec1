from __future__ import annotations

import gzip
import sys
from pathlib import Path

import pytest

from dataflow.publish.folders import SiteFolders
from dataflow_tools.dashboards.public import replace_public


@pytest.fixture
def folders(tmp_path: Path) -> SiteFolders:
    return SiteFolders(tmp_path / "site")


def _built(tmp_path: Path, files: dict[str, str]) -> Path:
    built = tmp_path / "built"
    for name, content in files.items():
        path = built / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return built


def test_a_new_build_replaces_the_old_one_but_not_the_data(
    folders: SiteFolders, tmp_path: Path
) -> None:
    """Pages that are gone from the build are gone from the site; published tables stay."""
    folders.data.mkdir(parents=True)
    folders.manifest.write_text("{}")
    replace_public(_built(tmp_path, {"index.html": "1", "api/old.json": "1"}), folders)

    replace_public(_built(tmp_path, {"index.html": "2", "api/new.json": "2"}), folders)

    names = {p.relative_to(folders.public).as_posix() for p in folders.public.rglob("*.*")}
    assert names == {"index.html", "api/new.json", "data/manifest.json"}
    assert (folders.public / "index.html").read_text() == "2"


def test_an_open_page_still_finds_the_code_of_the_build_before(
    folders: SiteFolders, tmp_path: Path
) -> None:
    """Code with a hash in its name outlives one build, and no more than one."""
    for number in (1, 2, 3):
        code = f"_app/immutable/chunk.{number}.js"
        replace_public(_built(tmp_path, {"index.html": f"{number}", code: "x"}), folders)

    assert sorted(path.name for path in folders.public.rglob("*.js")) == [
        "chunk.2.js",
        "chunk.3.js",
    ]


def test_texts_are_compressed_once_for_all_requests(folders: SiteFolders, tmp_path: Path) -> None:
    """Every larger text has a compressed copy with the same content beside it."""
    text = "let a = 1;\n" * 1000

    replace_public(_built(tmp_path, {"a.js": text, "small.js": "x", "b.png": text}), folders)

    assert gzip.decompress((folders.public / "a.js.gz").read_bytes()).decode() == text
    assert {path.name for path in folders.public.iterdir()} == {
        *("a.js", "a.js.gz", "small.js", "b.png"),
    }


def test_the_data_is_not_even_looked_through(folders: SiteFolders, tmp_path: Path) -> None:
    """Runs make and delete folders in it all the time: one that vanishes would end a build."""
    (folders.data / "sales" / "t").mkdir(parents=True)
    looked: list[str] = []
    is_on = True

    def note(event: str, arguments: tuple[object, ...]) -> None:
        if is_on and event in ("os.scandir", "os.listdir"):
            looked.append(str(arguments[0]))

    # An audit hook stays until the process ends.
    sys.addaudithook(note)
    try:
        replace_public(_built(tmp_path, {"index.html": "1"}), folders)
    finally:
        is_on = False
    assert str(folders.public) in looked
    assert [path for path in looked if path.startswith(str(folders.data))] == []
