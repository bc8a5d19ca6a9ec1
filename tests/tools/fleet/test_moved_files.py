"""Which files name a template's address, and how they name the new one."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataflow.shared.errors import BadInputError
from dataflow_tools.fleet.answers_file import read_answers
from dataflow_tools.fleet.template_instance import PROJECT, Instance
from dataflow_tools.fleet.template_move import (
    _answers_move,
    _former,
    _leads_out,
    _pin_moves,
    uv_address,
)


def instance(root: Path, name: str, source: str, end: str = "\n") -> Instance:
    folder = root if name == PROJECT else root / name
    folder.mkdir(exist_ok=True)
    text = f"# by Copier\n_commit: 1.0.0\n_src_path: {source}\n".replace("\n", end)
    (folder / ".copier-answers.yml").write_bytes(text.encode())
    return Instance(name, folder)


def test_a_workflow_behind_a_link_is_not_the_projects_to_change(tmp_path: Path) -> None:
    """Nor one that lies elsewhere; the project is its own."""
    root = tmp_path / "shop"
    root.mkdir()
    away = instance(tmp_path, "away", "old")
    (root / "linked").symlink_to(away.folder)
    assert not _leads_out(root, instance(root, "one", "old"))
    assert not _leads_out(root, instance(root, PROJECT, "old"))
    assert _leads_out(root, Instance("linked", root / "linked"))
    assert _leads_out(root, away)


def test_the_template_to_leave_is_the_projects_or_the_only_one(tmp_path: Path) -> None:
    """Of several, somebody has to choose."""

    def of(**sources: str) -> str:
        found = [instance(tmp_path, name, source) for name, source in sources.items()]
        return _former({one.name: (one, one.answers()) for one in found})

    assert of(one="a", two="a") == "a"
    assert of(**{"one": "a", "two": "b", PROJECT: "b"}) == "b"
    with pytest.raises(BadInputError, match="its workflows are from 2: a, b"):
        of(one="a", two="b")
    with pytest.raises(BadInputError, match="from 0: none"):
        of()


def test_pins_and_the_lock_file_name_the_new_address(tmp_path: Path) -> None:
    """As uv reads it, with the version that follows; other repositories stay."""
    pins = 'a = {git = "https://host/old", tag = "1"}\nb = {git = "https://host/older"}\n'
    (tmp_path / "pyproject.toml").write_text(pins)
    (tmp_path / "uv.lock").write_text('source = {git = "https://host/old?tag=1#abc"}\n')
    moves = {move.path: move for move in _pin_moves(tmp_path, "https://host/old", "/srv/new")}
    after = {name: move.after.data.decode() for name, move in moves.items() if move.after}
    assert after == {
        "pyproject.toml": pins.replace('host/old"', 'new"').replace(
            "https://new", "file:///srv/new"
        ),
        "uv.lock": 'source = {git = "file:///srv/new?tag=1#abc"}\n',
    }
    assert uv_address("git+https://host/a") == "https://host/a"
    (tmp_path / "uv.lock").unlink()
    (tmp_path / "uv.lock").symlink_to("pyproject.toml")
    assert [move.path for move in _pin_moves(tmp_path, "x", "y")] == ["pyproject.toml"]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_answers_keep_all_but_the_address(tmp_path: Path, end: str) -> None:
    """And their ends of lines."""
    one = instance(tmp_path, "one", "old", end)
    move = _answers_move(tmp_path, one, read_answers(one.folder / ".copier-answers.yml"), "new")
    assert move.path == "one/.copier-answers.yml"
    assert move.before is not None
    assert move.after is not None
    assert move.after.data == move.before.data.replace(b"old", b"new")
    assert move.after.data.count(b"\r") == end.count("\r") * 3
