"""Where workflows stand: versions behind, drift, and conflicts that are still open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.tools.fleet.material import TEN

from dataflow_tools.fleet.drift import Drift, State, Survey, survey_workflows
from dataflow_tools.fleet.safety import UncommittedError

if TYPE_CHECKING:
    from tests.tools.fleet.conftest import Lab

OWNED = "_generated: [job.py, sub/*.yml]\n"


def survey(lab: Lab, name: str = "one", *, with_drift: bool = True) -> Survey:
    found, _ = survey_workflows(lab.project, (name,), with_drift=with_drift)
    return found[0]


@pytest.mark.slow
def test_releases_in_between_are_listed(lab: Lab) -> None:
    """A workflow that is behind shows each release that it missed, in order."""
    for version in ("1.0.0", "1.1.0rc1", "1.1.0", "1.10.0", "1.9.0"):
        lab.release(version, {"a.py": f"{version}\n"})
    lab.render("one", version="1.0.0")
    lab.render("two", version="1.10.0")

    behind, current = survey(lab), survey(lab, "two")

    assert (behind.state, behind.latest) == (State.BEHIND, "1.10.0")
    assert behind.behind == ["1.1.0", "1.9.0", "1.10.0"]
    assert (current.state, current.behind) == (State.CURRENT, [])


@pytest.mark.slow
def test_drift_is_a_generated_file_that_differs(lab: Lab) -> None:
    """Edited, deleted and no longer executable generated files are drift; other files are not."""
    files = {"job.py": TEN, "sub/a.yml": "a\n", "sub/b.yml": "b\n", "free.py": TEN}
    lab.release("1.0.0", files, config=lab.config + OWNED, executable=("sub/b.yml",))
    lab.render("one", "two")
    lab.edit("one", {"job.py": None, "sub/a.yml": "edited\n", "free.py": "mine\n"})
    lab.edit("one", {"sub/b.yml": "b\n"})

    assert survey(lab).drift == [
        Drift("job.py", "missing"),
        Drift("sub/a.yml", "edited"),
        Drift("sub/b.yml", "edited"),
    ]
    assert survey(lab, "two").drift == []
    assert survey(lab, with_drift=False).drift is None
    # As git checks it out on Windows.
    lab.edit("two", {"job.py": TEN.replace("\n", "\r\n")})
    assert survey(lab, "two").drift == []


def test_a_workflow_can_be_ahead_of_every_release(lab: Lab) -> None:
    """A workflow made from an untagged commit after the last release is ahead of it."""
    lab.release("1.0.0", {"a.py": "a\n"})
    lab.git_template("commit", "-q", "--allow-empty", "-m", "more")
    lab.render("one", version="HEAD")
    assert survey(lab).state is State.AHEAD


def test_what_cannot_be_known_is_said_and_the_rest_is_shown(lab: Lab) -> None:
    """One workflow with a lost template does not hide the others."""
    lab.release("1.0.0", {"a.py": "a\n"})
    lab.render("one", "two")
    lab.edit("one", {".copier-answers.yml": "_commit: 1.0.0\n_src_path: /no/where\n"})
    lab.edit("byhand", {"config.yaml": "workflow: {}\n"})

    said: list[str] = []
    found, _ = survey_workflows(lab.project, progress=said.append)

    assert said == [f"looking at {n} of 3: {one.workflow_id}" for n, one in enumerate(found, 1)]
    states = {one.workflow_id: one.state for one in found}
    assert states == {"byhand": State.UNMANAGED, "one": State.UNKNOWN, "two": State.CURRENT}
    assert "/no/where does not exist" in str(found[1].reason)


def test_open_conflicts_are_shown(lab: Lab) -> None:
    """A workflow that is up to date but has conflicts says so."""
    lab.release("1.0.0", {"a.py": TEN})
    lab.render("one")
    lab.edit("one", {"a.py": TEN.replace("line 4", "mine")})
    lab.release("1.1.0", {"a.py": TEN.replace("line 4", "theirs")})
    lab.update("one")
    assert (survey(lab).state, survey(lab).conflicts) == (State.CURRENT, ["a.py"])


def test_a_survey_writes_nothing(lab: Lab) -> None:
    """Looking changes no file of the project."""
    lab.release("1.0.0", {"job.py": TEN}, config=lab.config + OWNED)
    lab.render("one")
    before = lab.snapshot()
    survey(lab)
    assert lab.snapshot() == before


@pytest.mark.slow
def test_markers_that_were_committed_are_found(lab: Lab) -> None:
    """A file with both sides in it is told, and no update merges into it."""
    lab.release("1.0.0", {"a.py": TEN, "b.py": TEN})
    lab.render("one", "two")
    conflict = "<<<<<<< yours\nmine\n=======\ntheirs\n>>>>>>> template 1.0.0\n"
    lab.edit("one", {"a.py": TEN + conflict, "notes.md": "Title\n=======\n"})

    assert (survey(lab).conflicts, survey(lab, "two").conflicts) == (["a.py"], [])
    report = lab.update()
    assert report.exit_code == 0
    told = "It has conflict markers that were committed: a.py."
    assert report.outcomes[0].notes == [told]
    lab.release("1.1.0", {"b.py": "b\n"})
    assert lab.update().exit_code == 0
    lab.commit()
    lab.release("1.2.0", {"a.py": "a\n"})
    again = lab.update()
    assert (lab.status_of(again), again.outcomes[0].reason) == ("skipped", told)
    assert lab.status_of(again, "two") == "updated"
    with pytest.raises(UncommittedError, match="conflict markers"):
        lab.update("one")


def test_the_project_is_shown_with_its_own_conflicts_alone(lab: Lab) -> None:
    """It comes first where no workflow is named, and workflows speak for themselves."""
    import copier

    lab.release("1.0.0", {"a.py": TEN})
    copier.run_copy(
        *(str(lab.template), lab.project.root), {"kind": "project"}, defaults=True, quiet=True
    )
    lab.render("one")
    conflict = "<<<<<<< yours\n=======\n>>>>>>> template 1.0.0\n"
    lab.edit("one", {"a.py": conflict})
    lab.edit("../../..", {"compose.yaml": conflict})
    lab.release("1.1.0", {"a.py": TEN})
    surveys, _ = survey_workflows(lab.project)
    assert [(one.workflow_id, one.state.value, one.conflicts) for one in surveys] == [
        ("(project)", "behind", ["compose.yaml"]),
        ("one", "behind", ["a.py"]),
    ]
    # Which is looked for unless somebody says otherwise.
    assert [one.drift for one in surveys] == [[], []]


def test_machines_get_a_reason_where_there_is_one_and_all_else_always() -> None:
    """A key that is asked for is there, whatever its value."""
    sound, broken = (
        Survey("one", "flows/one").as_json(),
        Survey("one", "p", reason="gone").as_json(),
    )
    assert "reason" not in sound
    assert "instruction" not in broken
    assert (broken["reason"], sound["conflicts"], sound["drift"]) == ("gone", [], None)
