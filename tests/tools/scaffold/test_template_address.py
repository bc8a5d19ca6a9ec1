"""The address of a template as it is written down."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from copier._vcs import get_repo

from dataflow_tools.scaffold.template_address import lasting_address


@pytest.mark.parametrize(
    ("given", "fetched"),
    [
        ("https://git.test/team/template", "https://git.test/team/template"),
        ("https://git.test/team/template.git/", "https://git.test/team/template.git"),
        ("ssh://git@git.test/team/template", "ssh://git@git.test/team/template"),
        ("git@git.test:team/template.git", "git@git.test:team/template.git"),
        ("file://{folder}/the%20template", "{folder}/the template"),
        ("{folder}/./the template/", "{folder}/the template"),
    ],
)
def test_copier_takes_what_is_written_down_for_a_repository(
    tmp_path: Path, given: str, fetched: str
) -> None:
    """Else a project could be made or moved that no later command can get its template for."""
    subprocess.run(["git", "init", "--quiet", tmp_path / "the template"], check=True)
    written = lasting_address(given.format(folder=tmp_path))
    assert get_repo(written) == fetched.format(folder=tmp_path)
