"""The site of the documentation."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from tests.conftest import BIN

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs-site` does: a broken link fails it."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [BIN / "mkdocs", "build", "--site-dir", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.slow
def test_every_page_is_in_the_navigation_and_every_link_leads_somewhere(site: Path) -> None:
    """A page that nobody finds, or a link to nothing, would have failed the build."""
    pages = {path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")}
    built = {path.relative_to(site) for path in site.rglob("*.html")}
    assert {page.with_suffix(".html") for page in pages if page.name != "README.md"} <= built
    for name in ("start", "architecture", "changelog", "contributing", "index"):
        assert Path(f"{name}.html") in built


@pytest.mark.slow
def test_the_site_asks_no_other_host(site: Path) -> None:
    """It opens from a folder with no network: no font, script or style comes from elsewhere."""
    loaded = re.compile(r'<(?:script|link|img|iframe)[^>]*(?:src|href)="(https?:)?//[^"]*"')
    for page in site.rglob("*.html"):
        assert [each[0] for each in loaded.finditer(page.read_text())] == [], page.name
