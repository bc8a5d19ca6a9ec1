"""A part that a workflow does not have is refused before anything is started."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.runtime.runs.stall import Stall

from dataflow.runs.part_check import check_parts, closing_parts
from dataflow.runs.run_part import part_tags
from dataflow.runs.run_request import RunRequestError

if TYPE_CHECKING:
    from pathlib import Path


def test_only_parts_that_there_are_can_be_asked_for(tmp_path: Path) -> None:
    """What is wrong with a config.yaml is for the run to say, which reads it."""
    stall = Stall(tmp_path / "shop")

    def check(*parts: str, has_steps: bool = True) -> None:
        check_parts(stall.project, "stall", part_tags(parts), has_steps=has_steps)

    check()
    check("load", "dashboard")
    assert closing_parts(stall.project, "stall") == ["dashboard"]
    for parts, words in (
        (["models"], "has no models: there is no folder dbt"),
        (["dashbord"], "no part and no model 'dashbord'"),
    ):
        with pytest.raises(RunRequestError, match=words):
            check(*parts)
    check(has_steps=False)
    with pytest.raises(RunRequestError, match="none of the library's Steps"):
        check("load", has_steps=False)
    (stall.folder.with_name("till")).mkdir()
    (stall.folder.with_name("till") / "config.yaml").touch()
    stall.configure("workflow: {name: Stall, after: [till]}\n")
    with pytest.raises(RunRequestError, match="reads the tables of other workflows"):
        check("load")
    stall.configure("workflow: {nam: Stall}\n")
    check("load")
