from __future__ import annotations

from pathlib import Path
from typing import Any

from dataflow_tools.site.kept_answers import KeptAnswers
from dataflow_tools.site.site_folder import Site

TARGETS = ("src/pages/a/+page.md", "src/pages/b/+page.md")
FAULT = {"source": "a", "target": TARGETS[0], "line": 3, "message": "no", "stops_build": False}


def _site(folder: Path, **texts: str) -> Site:
    site = Site(folder / "template")
    for target in TARGETS:
        path = site.template / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(texts.get(path.parent.name, "as it was"))
    return site


def _request(tables: dict[str, Any]) -> dict[str, Any]:
    files = [{"source": t[10], "target": t, "workflow": t[10]} for t in TARGETS]
    return {"files": files, "tables": tables, "awaited": {}}


def _asked(kept: KeptAnswers) -> list[str]:
    return [file["source"] for file in kept.unknown["files"]]


def test_only_what_changed_is_asked_again(tmp_path: Path) -> None:
    """An edit of one page asks for that page; what the others have wrong is still known."""
    first = KeptAnswers.of(tmp_path, _site(tmp_path), _request({}))
    assert _asked(first) == ["a", "b"]
    first.add([FAULT])

    same = KeptAnswers.of(tmp_path, _site(tmp_path), _request({}))
    edited = KeptAnswers.of(tmp_path, _site(tmp_path, b="edited"), _request({}))

    assert _asked(same) == []
    assert same.faults() == [FAULT]
    assert _asked(edited) == ["b"]
    edited.add([])
    assert edited.faults() == [FAULT]


def test_a_page_is_asked_again_for_the_tables_that_it_reads(tmp_path: Path) -> None:
    """Its own workflow's and those that it names; others' new data asks for nothing."""
    site = _site(tmp_path, a="select 1 from b.t")
    KeptAnswers.of(tmp_path, site, _request({"b": {"t": "1"}, "other": {"t": "1"}})).add([])

    others = KeptAnswers.of(tmp_path, site, _request({"b": {"t": "1"}, "other": {"t": "2"}}))
    own = KeptAnswers.of(tmp_path, site, _request({"b": {"t": "2"}, "other": {"t": "2"}}))

    assert _asked(others) == []
    assert _asked(own) == ["a", "b"]
