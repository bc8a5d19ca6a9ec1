"""What an update does to workflows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.runtime.template.conftest import Lab

TEN = "".join(f"line {number}\n" for number in range(10))


def test_both_sides_edits_meet_in_one_file(lab: Lab) -> None:
    """A person's edit and the template's, in different places, are both there afterwards."""
    lab.release("1.0.0", {"config.yaml": TEN})
    lab.render("one")
    lab.edit("one", {"config.yaml": TEN.replace("line 1\n", "mine\n")})
    lab.release("1.1.0", {"config.yaml": TEN.replace("line 8\n", "theirs\n")})

    report = lab.update("one")

    assert report.exit_code == 0
    assert lab.read("one", "config.yaml") == TEN.replace("line 1\n", "mine\n").replace(
        "line 8\n", "theirs\n"
    )
    assert "_commit: 1.1.0" in lab.read("one", ".copier-answers.yml")
