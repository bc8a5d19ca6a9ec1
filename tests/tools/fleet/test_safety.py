"""Work that git could not bring back is never written over, and its owner is told what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.tools.fleet.conftest import git
from tests.tools.fleet.material import ANSWERS, MINE, TEN, THEIRS

from dataflow_tools.fleet.safety import UncommittedError

if TYPE_CHECKING:
    from tests.tools.fleet.conftest import Lab

MARKED = "<<<<<<< yours\na\n=======\nb\n>>>>>>> 1.1.0\n"


@pytest.fixture
def fleet(lab: Lab) -> Lab:
    """Workflows of which git does not have all, or has what is not done; one is sound."""
    lab.release("1.0.0", {"a.py": TEN, "b.py": TEN})
    lab.release("1.1.0", {"a.py": THEIRS})
    answers = f"_commit: 1.0.0\n_src_path: {lab.template}\nkind: workflow\n"
    for name in ("dirty", "marked", "overlooked", "sound"):
        lab.edit(name, {ANSWERS: answers, "a.py": TEN, "b.py": TEN})
    lab.edit("marked", {"a.py": TEN + MARKED})
    folder = lab.project.workflow_dir("overlooked")
    lab.git("update-index", "--assume-unchanged", str(folder / "a.py"))
    (folder / "a.py").write_text(MINE)
    for number in range(7):
        (lab.project.workflow_dir("dirty") / f"{number}.py").write_text("mine\n")
        lab.git("add", "-N", str(lab.project.workflow_dir("dirty") / f"{number}.py"))
    return lab


def test_all_that_is_sound_is_updated_and_the_rest_told_why_not(fleet: Lab) -> None:
    """Each with the files, five at most, and with what to do; a plan notes it and refuses none."""
    planned = fleet.update(plan_only=True)
    notes = {one.workflow_id: one.notes for one in planned.outcomes}
    said = "has uncommitted changes; commit them before updating"
    assert [name for name, found in notes.items() if said in found] == ["dirty", "overlooked"]
    assert fleet.status_of(planned, "dirty") == "updated"

    report = fleet.update()

    ended = {one.workflow_id: one for one in report.outcomes}
    assert {name: one.status.value for name, one in ended.items()} == {
        "dirty": "skipped",
        "marked": "skipped",
        "overlooked": "skipped",
        "sound": "updated",
    }
    listed = ", ".join(f"{number}.py" for number in range(5))
    assert ended["dirty"].reason == f"Git does not have {listed} and 2 more as it is now."
    assert "Commit or stash it" in (ended["dirty"].instruction or "")
    assert ended["marked"].reason == "It has conflict markers that were committed: a.py."
    assert ended["overlooked"].reason == "Git does not have a.py as it is now."
    assert "--no-assume-unchanged" in (ended["overlooked"].instruction or "")
    assert fleet.read("overlooked", "a.py") == MINE


def test_what_somebody_names_is_updated_or_the_run_refused(fleet: Lab) -> None:
    """Then the others that were named stay as they are, too."""
    place = "src/dataflow/workflows"
    for name, words in (
        ("dirty", f"Uncommitted changes in {place}/dirty. Nothing was updated."),
        ("overlooked", f"Uncommitted changes in {place}/overlooked. Nothing was updated."),
        ("marked", f"{place}/marked: It has conflict markers that were committed: a.py. Nothing"),
    ):
        with pytest.raises(UncommittedError, match=words) as refused:
            fleet.update(name, "sound")
        assert ("ls-files -v" in refused.value.instruction) == (name == "overlooked")
    assert fleet.read("sound", "a.py") == TEN


def test_what_is_up_to_date_and_not_done_is_recalled(fleet: Lab) -> None:
    """Committed markers as a note, since a file may be about them; open conflicts as such."""
    fleet.git_template("tag", "-d", "1.1.0")
    report = fleet.update("marked", "sound")
    notes = {one.workflow_id: one.notes for one in report.outcomes}
    assert notes["marked"] == ["It has conflict markers that were committed: a.py."]
    assert notes["sound"] == []
    assert fleet.status_of(report, "marked") == "current"
    folder = fleet.project.workflow_dir("sound").relative_to(fleet.project.root)
    blob = fleet.git("hash-object", "-w", str(folder / "a.py")).strip()
    lines = "".join(f"100644 {blob} {stage}\t{folder}/a.py\n" for stage in (1, 2, 3))
    git(
        fleet.project.root,
        "update-index",
        "--index-info",
        stdin=f"0 {'0' * 40}\t{folder}/a.py\n{lines}",
    )
    [sound] = fleet.update("sound").outcomes
    assert (sound.status.value, sound.reason) == (
        "conflict",
        "It has unresolved conflicts: a.py.",
    )
