"""The command that installs the library, for each way in which a project can pin it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dataflow_tools.fleet.library_install import install_command

if TYPE_CHECKING:
    from pathlib import Path

LINES = """\
[project]
dependencies = ["dataflow-runtime[all]==1.2.0", "pandas"]

[dependency-groups]
dev = ["dataflow-tools==1.2.0", {include-group = "lint"}]

[tool.uv.sources]
"""
TAG = "git+https://x.test/t.git@v1.2.0#subdirectory=SUB"
WHEEL = "https://x.test/a.whl"
PLAIN = "pip install 'dataflow-runtime[all]==1.2.0' dataflow-tools==1.2.0"


def test_a_folder_of_wheels_is_looked_into_by_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What uv's `find-links` names is pip's, too."""
    found = LINES.replace("[tool.uv.sources]", '[tool.uv]\nfind-links = ["wheels"]')
    (tmp_path / "pyproject.toml").write_text(found)
    monkeypatch.setenv("PATH", "")
    line = "pip install --find-links wheels 'dataflow-runtime[all]==1.2.0' dataflow-tools==1.2.0"
    assert install_command(tmp_path) == line


@pytest.mark.parametrize(
    ("source", "command"),
    [
        ("", PLAIN),
        (
            '{git = "https://x.test/t.git", rev = "v1.2.0", subdirectory = "SUB"}',
            f"pip install 'dataflow-runtime[all] @ {TAG}' 'dataflow-tools @ {TAG}'",
        ),
        (
            '{path = "../lib", editable = true}',
            "pip install -e '../lib[all]' -e ../lib",
        ),
        (
            '{url = "https://x.test/a.whl"}',
            f"pip install 'dataflow-runtime[all] @ {WHEEL}' 'dataflow-tools @ {WHEEL}'",
        ),
    ],
    ids=["index", "tag of a repository", "folder", "wheel"],
)
def test_pip_is_told_what_uv_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, command: str
) -> None:
    """Without uv, its sources are written out; with it, one command does all."""
    sources = [f"dataflow-{name} = {source}\n" for name in ("runtime", "tools") if source]
    (tmp_path / "pyproject.toml").write_text(LINES + "".join(sources))
    monkeypatch.setenv("PATH", "")
    assert install_command(tmp_path) == command
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "uv").write_text("#!/bin/sh\n")
    (tmp_path / "bin" / "uv").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert install_command(tmp_path) == ("uv sync --all-groups" if source else PLAIN)
    (tmp_path / "uv.lock").touch()
    assert install_command(tmp_path) == "uv sync --all-groups"
