"""A site that was built elsewhere is served over the data that is published here."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataflow.publish.built_site import install_site
from dataflow.publish.folders import SiteFolders
from dataflow.shared.errors import BadInputError


def built(folder: Path, page: str) -> SiteFolders:
    """A copy of a built site, as an image carries it, with data of the build's own."""
    site = SiteFolders(folder)
    files = {
        "index.html": page,
        f"_app/immutable/{page}.js": page,
        "data/manifest.json": "built",
        "api/data/kept.json": page,
    }
    for name, text in files.items():
        (site.public / name).parent.mkdir(parents=True, exist_ok=True)
        (site.public / name).write_text(text)
    site.build_record.write_text(page)
    return site


def test_pages_come_and_published_data_stays(tmp_path: Path) -> None:
    """The state has newer data than the build; only pages are installed, at each start."""
    folders = SiteFolders(tmp_path / "state")
    folders.data.mkdir(parents=True)
    folders.manifest.write_text("published")
    for page in ("one", "two", "two"):
        install_site(built(tmp_path / page, page), folders)

    assert folders.manifest.read_text() == "published"
    assert (folders.public / "index.html").read_text() == "two"
    assert (folders.public / "api/data/kept.json").read_text() == "two"
    assert folders.build_record.read_text() == "two"
    assert not (folders.base / "incoming").exists()
    # The image's copy is whole, for the next container that is started from it.
    assert (tmp_path / "two/public/index.html").read_text() == "two"


def test_an_open_page_still_finds_the_code_of_the_image_before(tmp_path: Path) -> None:
    """Code with a hash in its name outlives the change from one image to the next."""
    folders = SiteFolders(tmp_path / "state")
    for page in ("one", "two"):
        install_site(built(tmp_path / page, page), folders)
    found = {path.stem for path in folders.public.rglob("*.js")}
    assert found == {"one", "two"}


def test_what_pages_ask_for_is_there_before_them(tmp_path: Path) -> None:
    """An installation that stops half way leaves the page before, and code for both."""
    folders = SiteFolders(tmp_path / "state")
    install_site(built(tmp_path / "one", "one"), folders)
    in_the_way = folders.public / "api/data/kept.json"
    in_the_way.unlink()
    in_the_way.mkdir()
    with pytest.raises(OSError, match=r"kept\.json"):
        install_site(built(tmp_path / "two", "two"), folders)
    assert {path.stem for path in folders.public.rglob("*.js")} == {"one", "two"}
    assert (folders.public / "index.html").read_text() == "one"


@pytest.mark.parametrize("missing", ["public/index.html", "built.json"])
def test_a_folder_without_a_built_site_is_refused(tmp_path: Path, missing: str) -> None:
    """What is served now stays, and the message says what to name."""
    folders = SiteFolders(tmp_path / "state")
    install_site(built(tmp_path / "one", "one"), folders)
    site = built(tmp_path / "two", "two")
    (site.base / missing).unlink()
    with pytest.raises(BadInputError, match="holds no built site"):
        install_site(site, folders)
    assert (folders.public / "index.html").read_text() == "one"


def test_what_the_build_before_had_goes_but_for_its_code(tmp_path: Path) -> None:
    """Two builds back nothing is left, and files that nobody installed are none of the site."""
    folders = SiteFolders(tmp_path / "state")
    for page in ("one", "two", "three"):
        site = built(tmp_path / page, page)
        (site.public / f"{page}.html").touch()
        install_site(site, folders)
        (folders.public / "stray.txt").touch()
    found = {path.relative_to(folders.public).as_posix() for path in folders.public.rglob("*.*")}
    assert found - {"stray.txt"} == {
        "_app/immutable/three.js",
        "_app/immutable/two.js",
        "api/data/kept.json",
        "index.html",
        "three.html",
    }
