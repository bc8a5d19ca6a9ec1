"""What becomes of each file, above all where Copier loses somebody's work."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from tests.tools.fleet.material import BOTH, MINE, TEN, THEIRS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tools.fleet.conftest import Lab


def test_an_edited_file_that_the_template_deletes_is_kept(lab: Lab) -> None:
    """A person's edits survive the template's decision to drop the file."""
    lab.release("1.0.0", {"a.py": TEN, "b.py": "b\n"})
    lab.render("one")
    lab.edit("one", {"a.py": MINE})
    lab.release("1.1.0", {"a.py": None, "b.py": None, "c.py": "c\n"})

    report = lab.update("one")

    assert lab.actions(report) == {"a.py": "kept-edited", "b.py": "deleted", "c.py": "added"}
    assert lab.read("one", "a.py") == MINE
    assert not lab.exists("one", "b.py")


def test_a_file_that_the_template_renames_takes_the_edits_along(lab: Lab) -> None:
    """Edits follow a file to its new name."""
    lab.release("1.0.0", {"old.py": TEN})
    lab.render("one")
    lab.edit("one", {"old.py": MINE})
    lab.release("1.1.0", {"old.py": None, "sub/new.py": THEIRS})

    report = lab.update("one")

    assert lab.actions(report) == {"old.py": "deleted", "sub/new.py": "merged"}
    assert lab.read("one", "sub/new.py") == BOTH
    assert not lab.exists("one", "old.py")


def test_a_renamed_file_with_a_conflict_is_marked_at_its_new_name(lab: Lab) -> None:
    """A conflict that moved with its file has all three sides under the new name."""
    lab.release("1.0.0", {"old.py": TEN})
    lab.render("one")
    lab.edit("one", {"old.py": TEN.replace("line 4", "mine")})
    lab.release("1.1.0", {"old.py": None, "new.py": TEN.replace("line 4", "theirs")})

    report = lab.update("one")

    assert lab.actions(report) == {"old.py": "deleted", "new.py": "conflict"}
    assert "<<<<<<< yours\nmine\n" in lab.read("one", "new.py")
    assert lab.unmerged() == {("1", "new.py"), ("2", "new.py"), ("3", "new.py")}


def test_a_file_that_a_person_renamed_gets_the_templates_changes(lab: Lab) -> None:
    """What the template changes reaches a file under the name that a person gave it."""
    lab.release("1.0.0", {"old.py": TEN})
    lab.render("one")
    lab.edit("one", {"old.py": None, "mine.py": MINE})
    lab.release("1.1.0", {"old.py": THEIRS})

    report = lab.update("one")

    assert lab.actions(report) == {"mine.py": "merged"}
    assert lab.read("one", "mine.py") == BOTH
    assert not lab.exists("one", "old.py")


def test_a_deleted_file_stays_deleted(lab: Lab) -> None:
    """A file that a person deleted does not come back when the template changes it."""
    lab.release("1.0.0", {"a.py": TEN, "b.py": TEN})
    lab.render("one")
    lab.edit("one", {"a.py": None, "unlike.py": "nothing of the kind\n"})
    lab.release("1.1.0", {"a.py": THEIRS})

    report = lab.update("one")

    assert lab.actions(report) == {"a.py": "kept-deleted"}
    assert not lab.exists("one", "a.py")
    assert lab.read("one", "unlike.py") == "nothing of the kind\n"
    assert lab.read("one", "b.py") == TEN


def test_a_binary_that_both_changed_is_kept_and_marked(lab: Lab) -> None:
    """A person's binary is not replaced; git has the template's beside it."""
    lab.release("1.0.0", {"logo.png": b"\0base", "mine.png": b"\0base"})
    lab.render("one")
    lab.edit("one", {"logo.png": b"\0mine", "mine.png": b"\0mine"})
    lab.release("1.1.0", {"logo.png": b"\0theirs"})

    report = lab.update("one")

    assert lab.actions(report) == {"logo.png": "binary-conflict"}
    assert lab.read("one", "logo.png") == lab.read("one", "mine.png") == "\0mine"
    assert ("3", "logo.png") in lab.unmerged()


def test_ignored_files_survive(lab: Lab) -> None:
    """Neither a person's edit of a rendered file that git ignores nor other ignored files go."""
    lab.release("1.0.0", {".gitignore": "*.env\n", "a.env": TEN, "b.env": TEN, "c.env": TEN})
    lab.render("one")
    folder = lab.project.workflow_dir("one")
    (folder / "a.env").write_text(TEN.replace("line 8", "secret"), encoding="utf-8")
    (folder / "b.env").write_text(MINE, encoding="utf-8")
    (folder / "mine.env").write_text("mine", encoding="utf-8")
    lab.release("1.1.0", {"a.env": THEIRS, "b.env": THEIRS, "c.env": THEIRS, "mine.env": "t\n"})

    report = lab.update("one")

    assert lab.actions(report) == {
        "a.env": "kept-ignored",
        "b.env": "merged",
        "c.env": "clean",
        "mine.env": "kept-ignored",
    }
    assert lab.read("one", "a.env") == TEN.replace("line 8", "secret")
    assert lab.read("one", "b.env") == BOTH
    assert lab.read("one", "c.env") == THEIRS
    assert lab.read("one", "mine.env") == "mine"


def test_nothing_outside_the_workflow_is_touched(lab: Lab) -> None:
    """Uncommitted work, deletions and odd files elsewhere are as they were, to the byte."""
    lab.release("1.0.0", {"a.py": TEN})
    lab.render("one", "two")
    lab.release("1.1.0", {"a.py": THEIRS})
    root, two = lab.project.root, lab.project.workflow_dir("two")
    (two / "a.py").unlink()
    (two / "b.py.rej").write_text("rejected", encoding="utf-8")
    (root / "pyproject.toml").write_text("[tool.dataflow]\n# changed\n", encoding="utf-8")
    before = {path: data for path, data in lab.snapshot().items() if "/one/" not in path}

    assert lab.update("one").exit_code == 0

    after = {path: data for path, data in lab.snapshot().items() if "/one/" not in path}
    assert {path: data for path, data in after.items() if ".dataflow" not in path} == before


def test_line_ends_are_a_persons_choice(lab: Lab) -> None:
    """A file that an editor saved with Windows line ends merges, and keeps them."""
    lab.release("1.0.0", {"a.py": TEN})
    lab.render("one")
    lab.edit("one", {"a.py": MINE.replace("\n", "\r\n")})
    lab.release("1.1.0", {"a.py": THEIRS})

    report = lab.update("one")

    assert lab.actions(report) == {"a.py": "merged"}
    assert lab.read("one", "a.py") == BOTH.replace("\n", "\r\n")


def test_line_ends_that_git_wrote_are_no_edits(lab: Lab) -> None:
    """Where git checks files out with Windows line ends, they count as unedited and keep them."""
    config = lab.config + "_generated: [job.py]\n"
    lab.release("1.0.0", {"a.py": TEN, "gone.py": TEN, "job.py": TEN}, config=config)
    lab.render("one")
    lab.git("config", "core.autocrlf", "true")
    for path in lab.project.workflow_dir("one").iterdir():
        path.unlink()
    lab.git("checkout", "-q", "--", ".")
    assert lab.read("one", "job.py") == TEN.replace("\n", "\r\n")
    lab.release("1.1.0", {"a.py": THEIRS, "gone.py": None, "job.py": THEIRS})

    report = lab.update("one")

    assert lab.actions(report) == {"a.py": "clean", "gone.py": "deleted", "job.py": "clean"}
    assert lab.read("one", "job.py") == THEIRS.replace("\n", "\r\n")
    assert set(lab.read("one", ".copier-answers.yml").splitlines(keepends=True)) >= {
        "_commit: 1.1.0\r\n"
    }


def test_a_template_may_change_line_ends(lab: Lab) -> None:
    """Windows line ends that the template brings reach an edited file."""
    lab.release("1.0.0", {"a.bat": TEN})
    lab.render("one")
    lab.edit("one", {"a.bat": MINE})
    lab.release("1.1.0", {"a.bat": THEIRS.replace("\n", "\r\n")})

    lab.update("one")

    assert lab.read("one", "a.bat") == BOTH.replace("\n", "\r\n")


def test_other_encodings_and_a_missing_last_line_end_survive(lab: Lab) -> None:
    """Bytes that are no UTF-8 and files without a line end at the end are merged as they are."""
    latin = TEN.encode("latin-1").replace(b"line 5", b"caf\xe9")
    lab.release("1.0.0", {"a.txt": latin, "b.txt": TEN.rstrip("\n")})
    lab.render("one")
    lab.edit(
        "one",
        {
            "a.txt": latin.replace(b"line 1", b"\xfcber"),
            "b.txt": MINE.rstrip("\n"),
        },
    )
    lab.release(
        "1.1.0",
        {"a.txt": latin.replace(b"line 8", b"\xdf"), "b.txt": THEIRS.rstrip("\n")},
    )

    assert lab.update("one").exit_code == 0

    folder = lab.project.workflow_dir("one")
    assert (folder / "a.txt").read_bytes() == latin.replace(b"line 1", b"\xfcber").replace(
        b"line 8", b"\xdf"
    )
    assert lab.read("one", "b.txt") == BOTH.rstrip("\n")


def test_executable_bits_are_merged_apart_from_the_content(lab: Lab) -> None:
    """The template's executable bit reaches an edited file, and a person's own one stays."""
    lab.release("1.0.0", {"a.sh": TEN, "b.sh": TEN})
    lab.render("one")
    lab.edit("one", {"a.sh": MINE, "b.sh": TEN}, executable=("b.sh",))
    lab.release("1.1.0", {"a.sh": THEIRS, "b.sh": THEIRS}, executable=("a.sh",))

    lab.update("one")

    folder = lab.project.workflow_dir("one")
    assert lab.read("one", "a.sh") == BOTH
    assert lab.read("one", "b.sh") == THEIRS
    assert os.access(folder / "a.sh", os.X_OK)
    assert os.access(folder / "b.sh", os.X_OK)


def test_links_are_files_like_others(lab: Lab) -> None:
    """A link follows the template, unless a person turned it elsewhere as well."""
    lab.release("1.0.0", {"a": "->one", "b": "->one", "c": TEN})
    lab.render("one")
    lab.edit("one", {"b": "->mine"})
    lab.release("1.1.0", {"a": "->two", "b": "->two", "c": "->a"})

    report = lab.update("one")

    folder = lab.project.workflow_dir("one")
    assert lab.actions(report) == {"a": "clean", "b": "binary-conflict", "c": "clean"}
    links = [str((folder / name).readlink()) for name in "abc"]
    assert links == ["two", "mine", "a"]


def test_a_file_may_become_a_folder_and_a_folder_a_file(lab: Lab) -> None:
    """Files and folders change places when nobody's work is in the way."""
    lab.release("1.0.0", {"a": TEN, "b/x": TEN, "b/c/y": TEN})
    lab.render("one")
    lab.release("1.1.0", {"a": None, "b/x": None, "b/c/y": None})
    lab.release("1.2.0", {"a/x": "x\n", "b": "b\n"})

    report = lab.update("one")

    assert report.exit_code == 0
    assert (lab.read("one", "a/x"), lab.read("one", "b")) == ("x\n", "b\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("edit", "blocker"),
    [({"a": MINE}, "a"), ({"b/mine": "m\n"}, "b/mine")],
    ids=["edited file", "own file in the folder"],
)
def test_work_in_the_way_stops_the_update_of_that_workflow(
    lab: Lab, edit: dict[str, str], blocker: str
) -> None:
    """Where a person's file is in the way, nothing is written, and the report names it."""
    lab.release("1.0.0", {"a": TEN, "b/x": TEN})
    lab.render("one", "two")
    lab.edit("one", edit)
    lab.release("1.1.0", {"a": None, "b/x": None})
    lab.release("1.2.0", {"a/x": "x\n", "b": "b\n"})

    report = lab.update()

    assert (lab.status_of(report), lab.status_of(report, "two")) == ("failed", "updated")
    assert f"{blocker} is in its way" in str(report.outcomes[0].reason)
    assert "workflows/one" not in lab.status()


def test_folders_that_are_not_the_projects_own_are_skipped(lab: Lab) -> None:
    """A link to a folder and a submodule are left alone with a reason; the others are updated."""
    lab.release("1.0.0", {"a.py": TEN})
    lab.render("one", "linked", "nested")
    linked, nested = (lab.project.workflow_dir(name) for name in ("linked", "nested"))
    linked.rename(lab.project.root / "elsewhere")
    linked.symlink_to("../../../elsewhere")
    lab.git("rm", "-rq", "--cached", str(nested))
    lab.git("init", "-q", str(nested))
    lab.git("-C", str(nested), "add", "-A")
    lab.git("-C", str(nested), "commit", "-qm", "own")
    lab.commit()
    lab.release("1.1.0", {"a.py": THEIRS})

    report = lab.update()

    assert report.exit_code == 1
    assert {one.workflow_id: one.status.value for one in report.outcomes} == {
        "linked": "skipped",
        "nested": "skipped",
        "one": "updated",
    }
    assert "elsewhere" in str(report.outcomes[0].reason)
    assert "submodule" in str(report.outcomes[1].reason)
    assert (lab.project.root / "elsewhere" / "a.py").read_text() == TEN


def test_a_link_out_of_the_workflow_is_not_followed(lab: Lab, tmp_path: Path) -> None:
    """A folder that a person replaced by a link to elsewhere is not written into."""
    lab.release("1.0.0", {"a.py": TEN})
    lab.render("one")
    outside = tmp_path / "outside"
    outside.mkdir()
    lab.edit("one", {"dbt": f"->{outside}"})
    lab.release("1.1.0", {"dbt/model.sql": "select 1\n"})

    report = lab.update("one")

    assert lab.status_of(report) == "failed"
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("kind", ["link", "repository"])
def test_what_lies_behind_a_link_or_in_another_repository_is_left_alone(
    lab: Lab, tmp_path: Path, kind: str
) -> None:
    """Neither a deletion, a rename nor a change reaches files that are not the workflow's own."""
    files = {"dbt/gone.sql": "gone\n", "dbt/old.sql": TEN, "dbt/kept.sql": TEN, "a.py": TEN}
    lab.release("1.0.0", files)
    lab.render("one")
    folder = lab.project.workflow_dir("one") / "dbt"
    outside = tmp_path / "outside"
    if kind == "link":
        folder.rename(outside)
        folder.symlink_to(outside)
    else:
        lab.git("rm", "-rq", "--cached", str(folder))
        outside = folder
        lab.git("init", "-q", str(folder))
        lab.git("-C", str(folder), "add", "-A")
        lab.git("-C", str(folder), "commit", "-qm", "own")
    lab.commit()
    before = {path: path.read_text() for path in outside.glob("*.sql")}
    assert len(before) == 3
    new = {"dbt/gone.sql": None, "dbt/old.sql": None, "new.sql": THEIRS, "dbt/kept.sql": THEIRS}
    lab.release("1.1.0", {**new, "a.py": THEIRS})

    report = lab.update("one")

    assert report.outcomes[0].reason is None
    assert {path: path.read_text() for path in outside.glob("*.sql")} == before
    assert lab.actions(report) == {
        "a.py": "clean",
        "dbt/gone.sql": "kept-edited",
        "dbt/kept.sql": "kept-edited",
        "dbt/old.sql": "kept-edited",
        "new.sql": "added",
    }
    assert "behind dbt" in report.outcomes[0].changes[1].detail
