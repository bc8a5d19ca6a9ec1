"""An update of some workflows: what is merged, refused, planned and left alone."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from tests.tools.fleet.material import ANSWERS, BOTH, MINE, TEN, THEIRS

from dataflow.shared.errors import BadInputError
from dataflow_tools.fleet.applying import journal_folder
from dataflow_tools.fleet.safety import UncommittedError

if TYPE_CHECKING:
    from tests.tools.fleet.conftest import Lab


def test_both_sides_edits_meet_in_one_file(lab: Lab) -> None:
    """A person's edit and the template's, in different places, are both there afterwards."""
    lab.release("1.0.0", {"config.yaml": TEN})
    lab.render("one")
    lab.edit("one", {"config.yaml": MINE})
    lab.release("1.1.0", {"config.yaml": THEIRS})

    report = lab.update("one")

    assert report.exit_code == 0
    assert lab.actions(report) == {"config.yaml": "merged"}
    assert lab.read("one", "config.yaml") == BOTH
    assert "_commit: 1.1.0" in lab.read("one", ANSWERS)


def test_an_unedited_workflow_equals_a_fresh_one(lab: Lab) -> None:
    """After an update an unedited workflow is what the new version renders, in every file."""
    lab.release("1.0.0", {"a.py": TEN, "gone/b.py": "b\n", "c.py.jinja": "{{ title }}\n"})
    lab.render("one")
    lab.release(
        "1.1.0",
        {"a.py": THEIRS, "gone/b.py": None, "c.py.jinja": "{{ title }}!\n", "new/d.py": "d\n"},
        executable=("new/d.py",),
    )
    assert lab.update("one").exit_code == 0
    updated = lab.project.workflow_dir("one")
    kept = updated.with_name("kept")
    updated.rename(kept)
    lab.render("one")

    files = {path.relative_to(kept): path for path in kept.rglob("*")}
    assert {path.relative_to(updated) for path in updated.rglob("*")} == set(files)
    for name, path in files.items():
        if path.is_file():
            assert path.read_bytes() == (updated / name).read_bytes(), name
            assert path.stat().st_mode == (updated / name).stat().st_mode, name


def test_an_edit_stays_in_its_own_block_of_a_repetitive_file(lab: Lab) -> None:
    """Where all blocks look alike, an edit is not moved to another one."""
    blocks = [f"- name: c\n  type: text\n  tests: []\n# {n}\n" for n in range(8)]
    edited = [*blocks[:3], blocks[3].replace("text", "mine"), *blocks[4:]]
    added = ["- name: c\n  type: text\n  tests: []\n" * 3, *blocks]
    lab.release("1.0.0", {"models.yml": "".join(blocks)})
    lab.render("one")
    lab.edit("one", {"models.yml": "".join(edited)})
    lab.release("1.1.0", {"models.yml": "".join(added)})

    lab.update("one")

    assert lab.read("one", "models.yml") == added[0] + "".join(edited)


def test_a_conflict_is_marked_in_the_file_and_in_git(lab: Lab) -> None:
    """Both sides of a conflict are in the file, and git knows all three versions of it."""
    lab.release("1.0.0", {"a.py": TEN, "b.py": TEN})
    lab.render("one")
    lab.edit("one", {"a.py": TEN.replace("line 4", "mine")})
    lab.release("1.1.0", {"a.py": TEN.replace("line 4", "theirs"), "b.py": THEIRS})

    report = lab.update("one")

    assert (report.exit_code, lab.status_of(report)) == (1, "conflict")
    text = lab.read("one", "a.py")
    assert "<<<<<<< yours\nmine\n=======\ntheirs\n>>>>>>> template 1.1.0\n" in text
    assert lab.unmerged() == {("1", "a.py"), ("2", "a.py"), ("3", "a.py")}
    assert lab.read("one", "b.py") == THEIRS


def test_a_conflict_stops_neither_the_others_nor_the_next_run(lab: Lab) -> None:
    """With an open conflict in one workflow, others are updated, now and later."""
    lab.release("1.0.0", {"a.py": TEN})
    lab.render("one", "two")
    lab.edit("one", {"a.py": TEN.replace("line 4", "mine")})
    lab.release("1.1.0", {"a.py": TEN.replace("line 4", "theirs")})
    assert lab.status_of(lab.update(), "two") == "updated"
    again = lab.update()
    assert (lab.status_of(again), lab.status_of(again, "two")) == ("conflict", "current")
    lab.commit_only("two")
    lab.release("1.2.0", {"a.py": TEN.replace("line 4", "more")})

    report = lab.update()

    assert (lab.status_of(report), lab.status_of(report, "two")) == ("skipped", "updated")
    assert report.exit_code == 1
    assert "<<<<<<< yours" in lab.read("one", "a.py")
    with pytest.raises(UncommittedError, match="Unresolved conflicts in .*one"):
        lab.update("one")


def test_a_conflict_in_both_added_files_keeps_both(lab: Lab) -> None:
    """A file that both sides added under one name has both contents, marked."""
    lab.release("1.0.0", {"a.py": "a\n"})
    lab.render("one")
    lab.edit("one", {"new.py": "mine\n"})
    lab.release("1.1.0", {"new.py": "theirs\n"})

    report = lab.update("one")

    assert lab.actions(report) == {"new.py": "conflict"}
    text = lab.read("one", "new.py")
    assert "mine\n" in text
    assert "theirs\n" in text
    assert lab.unmerged() == {("2", "new.py"), ("3", "new.py")}


def test_uncommitted_changes_are_refused_where_named_and_passed_over_among_all(lab: Lab) -> None:
    """Work that git does not have stays as it is; the other workflows are updated nevertheless."""
    lab.release("1.0.0", {"a.py": TEN, "b.py": TEN})
    lab.render("one", "two", "three", "four")
    lab.release("1.1.0", {"a.py": THEIRS, "new.py": "theirs\n"})
    folders = {name: lab.project.workflow_dir(name) for name in ("one", "two", "three")}
    (folders["one"] / "b.py").write_text("mine\n", encoding="utf-8")
    (folders["two"] / "new.py").write_text("mine\n", encoding="utf-8")
    (folders["three"] / "notes.md").write_text("mine\n", encoding="utf-8")

    with pytest.raises(UncommittedError, match="Uncommitted changes in .*one") as error:
        lab.update("one", "four")
    assert error.value.exit_code == 2
    assert lab.read("four", "a.py") == TEN
    report = lab.update()

    assert report.exit_code == 1
    assert {one.workflow_id: one.status.value for one in report.outcomes} == {
        "one": "skipped",
        "two": "skipped",
        "three": "updated",
        "four": "updated",
    }
    reasons = {one.workflow_id: one.reason for one in report.outcomes}
    assert reasons["one"] == "Git does not have b.py as it is now."
    assert reasons["two"] == "Git does not have new.py as it is now."
    assert lab.read("three", "notes.md") == "mine\n"
    assert lab.read("two", "a.py") == TEN


@pytest.mark.parametrize(
    ("flag", "edit"),
    [
        ("--skip-worktree", "generated"),
        ("--assume-unchanged", "generated"),
        ("--assume-unchanged", "merged"),
        ("--skip-worktree", "renamed"),
        ("--assume-unchanged", "deleted"),
    ],
)
def test_edits_that_git_was_told_to_overlook_are_not_lost(lab: Lab, flag: str, edit: str) -> None:
    """Contents are compared, so that no edit gives way that git does not have."""
    config = f"{lab.config}_generated: [generated]\n"
    names = ("generated", "merged", "renamed", "deleted")
    old = {**{name: f"{name}\n{TEN}" for name in names}, "deleted": "unlike\n" * 9}
    lab.release("1.0.0", old, config=config)
    lab.render("one")
    path = lab.project.workflow_dir("one") / edit
    lab.git("update-index", flag, str(path))
    mine = f"mine\n{old[edit]}"
    path.write_text(mine, encoding="utf-8")
    changed = {name: f"{name}\n{THEIRS}" for name in names}
    more = {"new/name": changed["renamed"], "renamed": None, "deleted": None}
    lab.release("1.1.0", {**changed, **more})

    if edit == "deleted":
        # The template drops it; an edited file is kept in any case, and nothing of it is written.
        assert lab.status_of(lab.update("one")) == "updated"
    else:
        with pytest.raises(UncommittedError) as error:
            lab.update("one")
        assert "--no-assume-unchanged" in str(error.value.instruction)
        assert "_commit: 1.0.0" in lab.read("one", ANSWERS)
    assert path.read_text(encoding="utf-8") == mine


def test_what_a_sparse_checkout_leaves_out_is_not_taken_for_deleted(lab: Lab) -> None:
    """A file that git has and did not check out is not one that a person deleted."""
    lab.release("1.0.0", {"a.py": TEN, "dbt/b.sql": TEN})
    lab.render("one")
    lab.git("sparse-checkout", "set", "--no-cone", "/*", "!dbt/")
    assert not lab.exists("one", "dbt/b.sql")
    lab.release("1.1.0", {"a.py": THEIRS})
    assert lab.update("one").exit_code == 0
    lab.commit_only("one")
    lab.release("1.2.0", {"dbt/b.sql": THEIRS})

    report = lab.update("one")

    assert lab.status_of(report) == "failed"
    assert "dbt/b.sql, which your sparse checkout leaves out" in str(report.outcomes[0].reason)
    lab.git("sparse-checkout", "disable")
    assert lab.update("one").exit_code == 0
    assert lab.read("one", "dbt/b.sql") == THEIRS


def test_a_file_system_without_executable_bits_makes_no_edits(lab: Lab) -> None:
    """Where git takes no notice of the bits on the disk, neither does an update."""
    lab.release("1.0.0", {"a.py": TEN, "b.py": TEN})
    lab.render("one")
    lab.git("config", "core.fileMode", "false")
    for name in ("a.py", "b.py", ANSWERS):
        (lab.project.workflow_dir("one") / name).chmod(0o777)
    lab.release("1.1.0", {"a.py": THEIRS, "b.py": None})

    report = lab.update("one")

    assert lab.actions(report) == {"a.py": "clean", "b.py": "deleted"}


def test_a_workflow_that_git_ignores_is_refused(lab: Lab) -> None:
    """What git does not have could not be undone."""
    lab.release("1.0.0", {"a.py": TEN})
    lab.edit("../../..", {".gitignore": "one/\n"})
    lab.render("one")
    lab.release("1.1.0", {"a.py": THEIRS})

    with pytest.raises(UncommittedError):
        lab.update("one")


def test_a_merge_going_on_elsewhere_does_not_matter(lab: Lab) -> None:
    """Conflicts outside the folders to update are nobody's business here."""
    lab.release("1.0.0", {"a.py": TEN})
    lab.render("one")
    lab.release("1.1.0", {"a.py": THEIRS})
    root = lab.project.root
    for branch in ("left", "right"):
        lab.git("checkout", "-q", "-B", branch, "main")
        (root / "notes.md").write_text(branch, encoding="utf-8")
        lab.commit()
    with pytest.raises(Exception, match="returned non-zero"):
        lab.git("merge", "left")

    assert lab.update("one").exit_code == 0

    assert ("2", "notes.md") in lab.unmerged()


def test_outside_git_nothing_is_updated(lab: Lab) -> None:
    """Without git an update could not be undone, so there is none."""
    lab.release("1.0.0", {"a.py": TEN})
    lab.render("one")
    lab.release("1.1.0", {"a.py": THEIRS})
    shutil.rmtree(lab.project.root / ".git")

    with pytest.raises(BadInputError, match="not in a git repository"):
        lab.update("one")


def test_a_plan_writes_nothing(lab: Lab) -> None:
    """A plan leaves every file of the project, git's own included, as it was."""
    lab.release("1.0.0", {"a.py": TEN, "b.py": TEN})
    lab.render("one")
    lab.edit("one", {"a.py": TEN.replace("line 8", "mine")})
    lab.release("1.1.0", {"a.py": THEIRS, "b.py": THEIRS})
    before = lab.snapshot()

    report = lab.update("one", plan_only=True)

    assert lab.snapshot() == before
    assert not lab.project.state_dir.exists()
    assert (report.exit_code, lab.actions(report)) == (1, {"a.py": "conflict", "b.py": "clean"})


def test_a_plan_says_what_the_update_then_does(lab: Lab) -> None:
    """The plan and the report name the same files and fates."""
    lab.release("1.0.0", {"a.py": TEN, "b.py": TEN, "c.py": TEN, "d.py": TEN})
    lab.render("one")
    lab.edit("one", {"a.py": MINE, "b.py": None, "c.py": MINE})
    lab.release("1.1.0", {"a.py": THEIRS, "b.py": THEIRS, "c.py": None, "d.py": THEIRS})

    planned = lab.update("one", plan_only=True)
    done = lab.update("one")

    assert lab.actions(planned) == lab.actions(done)
    assert json.loads(json.dumps(done.as_json()))["workflows"][0]["files"] == [
        {"path": "a.py", "action": "merged"},
        {"path": "b.py", "action": "kept-deleted", "detail": "you deleted it"},
        {
            "path": "c.py",
            "action": "kept-edited",
            "detail": "the template deleted it, but you edited it",
        },
        {"path": "d.py", "action": "clean"},
        {"path": ANSWERS, "action": "version"},
    ]


def test_a_change_made_while_planning_is_not_overwritten(lab: Lab) -> None:
    """A file that somebody saves between plan and update stops the update of that workflow."""
    lab.release("1.0.0", {"a.py": TEN})
    lab.render("one")
    lab.release("1.1.0", {"a.py": THEIRS})
    path = lab.project.workflow_dir("one") / "a.py"

    def save(words: str) -> None:
        if words.startswith("updating"):
            path.write_text("saved\n", encoding="utf-8")

    from dataflow_tools.fleet.update import Request, update_workflows

    report = update_workflows(lab.project, Request(names=("one",)), save)

    assert lab.status_of(report) == "failed"
    assert lab.read("one", "a.py") == "saved\n"
    assert "_commit: 1.0.0" in lab.read("one", ANSWERS)


def test_workflows_that_get_ahead_of_the_project_are_told(lab: Lab) -> None:
    """The library that they run on is what the project pins; not where both are updated."""
    lab.release("1.0.0", {"a.py": TEN})
    answers = f"_commit: 1.0.0\n_src_path: {lab.template}\nkind: "
    lab.edit("one", {ANSWERS: f"{answers}workflow\n", "a.py": TEN})
    (lab.project.root / ANSWERS).write_text(f"{answers}project\n")
    lab.commit()
    assert lab.update("one", reference="1.0.0").notes == []
    lab.release("1.1.0", {"a.py": THEIRS})
    report = lab.update("one", plan_only=True)
    assert [
        note.startswith("The project's own files and the library") for note in report.notes
    ] == [True]
    assert "at 1.0.0. Update them too: " in report.notes[0]
    assert lab.update("one", project=True, plan_only=True).notes == []


def test_a_plan_beside_an_update_that_was_cut_short_is_refused(lab: Lab) -> None:
    """What it is a plan of would not be what is there then; the update finishes it."""
    lab.release("1.0.0", {"a.py": TEN})
    lab.edit("one", {ANSWERS: f"_commit: 1.0.0\n_src_path: {lab.template}\nkind: workflow\n"})
    room = journal_folder(lab.project) / "one"
    room.mkdir(parents=True)
    folder = str(lab.project.workflow_dir("one"))
    (room / "journal.json").write_text(json.dumps({"folder": folder, "top": "", "steps": []}))
    with pytest.raises(BadInputError, match="update of one was cut short"):
        lab.update(plan_only=True)
    assert "An earlier update of one had been cut short; it is complete now." in lab.update().notes
    assert not room.exists()
    lab.update(plan_only=True)
