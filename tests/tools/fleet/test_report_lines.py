"""Single lines of a report, each from an outcome of its own."""

from __future__ import annotations

import pytest

from dataflow.shared.errors import DataflowError
from dataflow_tools.fleet.plan import Action, Change
from dataflow_tools.fleet.report import diff_lines, report_lines
from dataflow_tools.fleet.results import STOPPED, UpdateOutcome, UpdateReport, UpdateStatus
from dataflow_tools.fleet.template_instance import PROJECT
from dataflow_tools.fleet.tree import Entry

RUN_IT = "  Run it without --plan to do this; --diff shows every line."


def outcome(name: str, status: UpdateStatus, *changes: Change, **more: object) -> UpdateOutcome:
    facts = {"current": "1.0.0", "target": "1.1.0", **more}
    return UpdateOutcome(name, f"w/{name}", status, changes=[*changes], **facts)  # type: ignore[arg-type]


def change(path: str, action: Action, after: str | None = "new\n") -> Change:
    return Change(path, action, Entry(b"old\n"), None if after is None else Entry(after.encode()))


def lines(*outcomes: UpdateOutcome, planned: bool = False) -> list[str]:
    return list(report_lines(UpdateReport([*outcomes], planned_only=planned), lambda text, _: text))


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (UpdateStatus.UPDATED, True),
        (UpdateStatus.CONFLICT, True),
        (UpdateStatus.CURRENT, False),
        (UpdateStatus.UNMANAGED, False),
    ],
)
def test_a_plan_with_something_to_do_says_how_to_do_it(status: UpdateStatus, said: bool) -> None:
    """Whether it is an update or a conflict; a plan of nothing has no next step."""
    found = lines(outcome("one", status), planned=True)
    assert (RUN_IT in found) is said
    assert ("Next:" in found) is said


def test_a_report_of_nothing_says_so() -> None:
    """No workflow, no table, and no next step."""
    assert lines() == ["There is no workflow to update."]


def test_what_failed_its_checks_is_not_to_be_committed() -> None:
    """It has a step of its own: fix or undo."""
    good = outcome("good", UpdateStatus.UPDATED, change("a", Action.CLEAN), checked=True)
    new = Change("new", Action.ADDED, None, Entry(b"new"))
    bad = outcome("bad", UpdateStatus.UPDATED, change("a", Action.CLEAN), new, checked=False)
    found = lines(good, bad)
    assert "good  1.0.0 -> 1.1.0  updated, checks passed  1 clean" in found
    assert "bad   1.0.0 -> 1.1.0  updated, CHECKS FAILED  1 added, 1 clean" in found
    commit = 'git add w/good && git commit -m "Update workflows to 1.1.0" -- w/good'
    assert found[-2:] == [
        f"  Look at it and commit: git diff; {commit}",
        "  bad: fix it, or undo with: git restore w/bad && rm w/bad/new",
    ]
    assert not [line for line in lines(bad) if "commit" in line]


def test_five_replaced_files_are_named_and_the_rest_counted() -> None:
    """A long list of edits that gave way ends in its number."""
    files = [change(f"{n}.yml", Action.REPLACED) for n in range(7)]
    shown = [line for line in lines(outcome("one", UpdateStatus.UPDATED, *files)) if "HEAD" in line]
    assert shown[-1].endswith("git show HEAD:./w/one/4.yml")
    assert len(shown) == 5
    assert "    and 2 more: --json lists them as replaced" in lines(
        outcome("one", UpdateStatus.UPDATED, *files)
    )
    assert not [
        line for line in lines(outcome("one", UpdateStatus.UPDATED, *files[:5])) if "more:" in line
    ]


def test_five_conflicts_are_named_and_the_rest_counted() -> None:
    """The command line for the merge tool stays readable."""
    files = [change(f"{n}.py", Action.CONFLICT) for n in range(6)]
    found = lines(outcome("one", UpdateStatus.CONFLICT, *files))
    assert (
        "  Resolve the conflicts (`git mergetool` works): "
        + " ".join([*(f"w/one/{n}.py" for n in range(5)), "and 1 more"])
        in found
    )
    assert not [
        line for line in lines(outcome("one", UpdateStatus.CONFLICT, *files[:5])) if "more" in line
    ]


def test_the_same_remedy_is_given_once() -> None:
    """Workflows that wait for the same thing share a line, five of them by name."""
    error = DataflowError("Why.", "Do this.")
    stuck = [outcome(f"w{n}", UpdateStatus.FAILED).fail(error) for n in range(7)]
    assert lines(*stuck)[-1] == "  w0, w1, w2, w3, w4 and 2 more: Do this."
    assert lines(*stuck[:5])[-1] == "  w0, w1, w2, w3, w4: Do this."
    assert "    Why." in lines(stuck[0])


def test_of_the_project_only_changed_files_are_committed() -> None:
    """A workflow is committed as a folder; the project's folder holds much that is not its own."""
    kept = Change("b", Action.KEPT_EDITED, Entry(b"x"), Entry(b"x"))
    project = outcome(PROJECT, UpdateStatus.UPDATED, change("a b", Action.CLEAN), kept)
    found = lines(project, outcome("one", UpdateStatus.UPDATED, target="1.2.0"))
    assert "git add 'a b' w/one && git commit -m \"Update workflows\" -- 'a b' w/one" in found[-1]


def test_a_change_of_answers_alone_is_not_called_an_update() -> None:
    """The version is the one that was there: what `inspect --accept` and `-d` do."""
    same = outcome("one", UpdateStatus.UPDATED, change("a", Action.CLEAN), target="1.0.0")
    assert 'git commit -m "Change one" -- w/one' in lines(same)[-1]


@pytest.mark.parametrize("number", [12, 13])
def test_what_there_is_nothing_to_say_about_is_counted_from_thirteen_on(number: int) -> None:
    """A dozen lines are read; more are summed up, those that a stop left out with them."""
    quiet = [outcome(f"q{n:02}", UpdateStatus.CURRENT, target="1.0.0") for n in range(number - 1)]
    stopped = outcome("stopped", UpdateStatus.SKIPPED).fail(
        DataflowError(STOPPED, "Again."), UpdateStatus.SKIPPED
    )
    found = lines(*quiet, stopped)
    assert any(line.startswith("q00") for line in found) is (number == 12)
    assert any(line.startswith("stopped") for line in found) is (number == 12)
    assert f"{number} workflows: {number - 1} up to date, 1 skipped." in found


@pytest.mark.parametrize("number", [12, 13])
def test_files_of_many_updated_workflows_are_folded(number: int) -> None:
    """A plan shows every file all the same, and so do conflicts."""
    many = [
        outcome(f"u{n:02}", UpdateStatus.UPDATED, change("a", Action.CLEAN)) for n in range(number)
    ]
    assert len([line for line in lines(*many) if line.startswith("    clean")]) == 12 * (
        number == 12
    )
    assert (
        len([line for line in lines(*many, planned=True) if line.startswith("    clean")]) == number
    )
    commands = [line for line in lines(*many) if "git add" in line]
    assert ("git add ..." in commands[0]) is (number == 13)


def test_a_version_that_moves_alone_is_called_that() -> None:
    """No file is counted, and none is listed."""
    found = lines(
        outcome("one", UpdateStatus.UPDATED, change(".copier-answers.yml", Action.VERSION))
    )
    assert found[0] == "one  1.0.0 -> 1.1.0  updated  version only"
    assert found[1] == ""
    assert (
        lines(outcome("one", UpdateStatus.CURRENT, target="1.0.0"))[0] == "one  1.0.0  up to date"
    )


def test_colours_are_for_what_needs_eyes() -> None:
    """Conflicts and replaced files, and how a workflow ended."""
    painted: dict[str, str] = {}

    def paint(text: str, colour: str) -> str:
        painted[text.strip()] = colour
        return text

    files = (change("a", Action.CONFLICT), change("b", Action.REPLACED), change("c", Action.CLEAN))
    list(report_lines(UpdateReport([outcome("one", UpdateStatus.CONFLICT, *files)]), paint))
    assert painted == {
        "CONFLICT": "yellow",
        "replaced": "yellow",
        "clean": "",
        "conflict": "yellow",
    }


def test_a_diff_names_what_comes_goes_and_cannot_be_shown() -> None:
    """Added, deleted and binary files, and a last line without its end."""
    files = [
        Change("new", Action.ADDED, None, Entry(b"a\nb")),
        Change("gone", Action.DELETED, Entry(b"x\n"), None),
        Change("same", Action.KEPT_EDITED, Entry(b"x"), Entry(b"x")),
        Change("img", Action.CLEAN, Entry(b"\0"), Entry(b"\0\0")),
        Change("img2", Action.DELETED, Entry(b"\0"), None),
    ]
    found = list(diff_lines(outcome("one", UpdateStatus.UPDATED, *files), lambda text, _: text))
    assert found == [
        "--- /dev/null",
        "+++ b/w/one/new",
        "@@ -0,0 +1,2 @@",
        "+a",
        "+b",
        "\\ No newline at end of file",
        "--- a/w/one/gone",
        "+++ /dev/null",
        "@@ -1 +0,0 @@",
        "-x",
        "Binary file w/one/img changes",
        "Binary file w/one/img2 is deleted",
    ]
