"""What a project gets from the template."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Dataflow


def runtime_source(project: Path) -> dict[str, Any]:
    """Where uv takes the library from."""
    document = tomllib.loads((project / "pyproject.toml").read_text())
    source: dict[str, Any] = document["tool"]["uv"]["sources"]["dataflow-runtime"]
    return source


def test_the_library_is_pinned_to_the_version_of_the_template(
    project_folder: Path, template_repository: Path
) -> None:
    """A clone of the project installs what its template was made for, from where that is."""
    assert runtime_source(project_folder) == {
        "git": f"file://{template_repository}",
        "rev": "v0.2.0",
        "subdirectory": "runtime",
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    "written",
    ["gh:acme/dataflow", "gh:acme/dataflow.git", "git+https://github.com/acme/dataflow.git"],
)
def test_an_abbreviated_address_is_written_out_for_uv(
    written: str, tmp_path: Path, template_repository: Path, dataflow: Dataflow
) -> None:
    """Copier takes `gh:owner/name`, which no other program understands."""
    address = "https://github.com/acme/dataflow.git"
    # git itself is told to look for that address on this machine.
    env = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{template_repository}.insteadOf",
        "GIT_CONFIG_VALUE_0": address,
    }
    made = dataflow("init", "shop", "--template", written, "--defaults", cwd=tmp_path, env=env)
    assert made.returncode == 0, made.stderr
    assert runtime_source(tmp_path / "shop") == {
        "git": address,
        "rev": "v0.2.0",
        "subdirectory": "runtime",
    }
