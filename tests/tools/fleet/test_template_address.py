"""Where a template is, and which of its versions comes first."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataflow_tools.fleet.versions import (
    Template,
    TemplateError,
    Version,
    expand_address,
    open_template,
)


@pytest.mark.parametrize(
    ("source", "address"),
    [
        ("gh:team/flow", "https://github.com/team/flow.git"),
        ("gh:/team/flow.git", "https://github.com/team/flow.git"),
        ("gl:team/flow", "https://gitlab.com/team/flow.git"),
        ("git+https://host/flow", "https://host/flow"),
        ("../flow", "../flow"),
    ],
)
def test_an_address_is_one_that_git_understands(source: str, address: str) -> None:
    """Of any form that Copier takes."""
    assert expand_address(source) == address


RELEASES = ["v0.9.0", "v1.0.0", "v1.1.0rc1", "v1.1.0", "v1.2.0", "other"]


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("v1.0.0", "v1.1.0", ["v1.1.0"]),
        ("v1.0.0", "v1.1.0rc1", ["v1.1.0rc1"]),
        ("v0.9.0-3-gabcdef0", "v1.2.0", ["v1.0.0", "v1.1.0", "v1.2.0"]),
        ("abcdef0", "v1.0.0", ["v0.9.0", "v1.0.0"]),
        ("v1.1.0", "abcdef0", ["v1.2.0"]),
        ("v1.2.0", "v1.2.0", []),
    ],
)
def test_releases_between_two_versions(old: str, new: str, found: list[str]) -> None:
    """After the old one, up to and with the new one; of pre-releases only that which is asked."""
    template = Template("here", Path())
    template.releases = RELEASES
    assert template.between(Version(old, "a"), Version(new, "b")) == found


def test_versions_are_compared_by_their_numbers() -> None:
    """A commit is not older than itself, whatever it is called."""
    template = Template("here", Path())
    one, two = Version("v1.9.0", "a"), Version("v1.10.0", "b")
    assert template.is_older(one, two)
    assert not template.is_older(two, one)
    assert not template.is_older(one, one)
    assert not template.is_older(Version("abcdef0", "a"), Version("v1.9.0", "a"))


def test_a_folder_that_is_not_there_is_looked_for_beside_the_project(tmp_path: Path) -> None:
    """And named with where it was looked for."""
    with pytest.raises(TemplateError, match=rf"template gone does not exist in .* or {tmp_path}"):
        open_template("gone", tmp_path)
    with pytest.raises(TemplateError, match=r"does not exist\."):
        open_template(f"file://{tmp_path}/gone", tmp_path)
    (tmp_path / "plain").mkdir()
    with pytest.raises(TemplateError, match="is not the root of a git repository"):
        open_template("plain", tmp_path)
