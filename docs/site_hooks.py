"""Brings the pages at the root of the repository into the site, and links to what is not a page.

MkDocs calls these functions by their names: https://www.mkdocs.org/user-guide/plugins/#events.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

_ROOT = Path(__file__).parents[1]
_PAGES = {
    "README.md": "start.md",
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
_LINK = re.compile(
    r"\[(?P<text>[^\]\[]*)\]\((?P<up>(?:\.\./)*)(?P<path>[\w./-]+)(?P<rest>#[\w-]*)?\)"
)


def on_files(files: Files, config: Any) -> Files:
    """Add the pages of the root."""
    for name, page in _PAGES.items():
        text = (_ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Let links lead to the pages of the site; files that are none are named without a link."""
    place = page.file.src_uri
    origin = {page: name for name, page in _PAGES.items()}.get(place, f"docs/{place}")

    def replace(match: re.Match[str]) -> str:
        target = (_ROOT / origin).parent / match["up"] / match["path"]
        try:
            name = target.resolve().relative_to(_ROOT).as_posix()
        except ValueError:
            return match[0]
        up = "../" * place.count("/")
        rest = match["rest"] or ""
        if name in _PAGES:
            return f"[{match['text']}]({up}{_PAGES[name]}{rest})"
        if name.startswith("docs/") and "." in name:
            return f"[{match['text']}]({up}{name.removeprefix('docs/')}{rest})"
        # Something of the repository that the site has no copy of.
        return f"{match['text']} (`{name}`)" if (_ROOT / name).exists() else match[0]

    return _LINK.sub(replace, markdown)
