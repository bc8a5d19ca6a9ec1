"""Generated, merged and yours: whose word counts about a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.tools.fleet.material import BOTH, EMPTY, MINE, TEN, THEIRS

if TYPE_CHECKING:
    from tests.tools.fleet.conftest import Lab


OWNED = EMPTY + "_generated: [job.py]\n_skip_if_exists: [README.md, tests]\n"


def test_an_edit_of_a_generated_file_gives_way(lab: Lab) -> None:
    """A generated file is the template's alone; the person's version is in git."""
    lab.release("1.0.0", {"job.py": TEN}, config=OWNED)
    lab.render("one")
    edited = TEN.replace("line 8", "mine")
    lab.edit("one", {"job.py": edited})
    lab.release("1.1.0", {"job.py": THEIRS})

    report = lab.update("one")

    assert (report.exit_code, lab.actions(report)) == (0, {"job.py": "replaced"})
    assert lab.read("one", "job.py") == THEIRS
    assert lab.git("show", "HEAD:src/dataflow/workflows/one/job.py") == edited


def test_a_file_that_becomes_generated_is_merged_once_more(lab: Lab) -> None:
    """Edits that were allowed when they were made are not thrown away."""
    lab.release("1.0.0", {"job.py": TEN})
    lab.render("one")
    lab.edit("one", {"job.py": MINE})
    lab.release("1.1.0", {"job.py": THEIRS}, config=OWNED)

    lab.update("one")

    assert lab.read("one", "job.py") == BOTH


def test_your_files_are_never_touched(lab: Lab) -> None:
    """A *yours* file is neither changed, nor restored, nor deleted; a new one is written once."""
    files = {"README.md": "r\n", "tests/a.py": "a\n", "tests/b.py": "b\n"}
    lab.release("1.0.0", files, config=OWNED)
    lab.render("one")
    lab.edit("one", {"tests/a.py": None})
    lab.release(
        "1.1.0",
        {"README.md": "r2\n", "tests/a.py": "a2\n", "tests/b.py": None, "tests/new.py": "n\n"},
    )

    report = lab.update("one")

    assert report.exit_code == 0
    assert lab.read("one", "README.md") == "r\n"
    assert not lab.exists("one", "tests/a.py")
    assert lab.read("one", "tests/b.py") == "b\n"
    assert lab.read("one", "tests/new.py") == "n\n"
