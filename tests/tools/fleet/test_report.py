"""What people and machines read: the commands' output and exit codes, in full."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result
from tests.tools.fleet.material import MINE, TEN, THEIRS

from dataflow.shared.errors import BadInputError

if TYPE_CHECKING:
    from tests.tools.fleet.conftest import Lab

OWNED = "_generated: [job.py]\n_skip_if_exists: [README.md]\n"


def run(lab: Lab, *arguments: str, command: str = "update") -> Result:
    from dataflow_tools.cli.workflow_status import status
    from dataflow_tools.cli.workflow_update import update

    return CliRunner(env={"DATAFLOW_PROJECT": str(lab.project.root)}).invoke(
        update if command == "update" else status, list(arguments)
    )


@pytest.fixture
def fleet(lab: Lab) -> Lab:
    """One workflow that merges, one with a conflict, one from no template."""
    old = {"a.py": TEN, "b.py": TEN, "job.py": TEN, "README.md": "r\n"}
    lab.release("1.0.0", old, config=lab.config + OWNED)
    lab.render("one", "two")
    lab.edit("one", {"a.py": MINE})
    lab.edit("two", {"a.py": TEN.replace("line 8", "mine"), "b.py": None, "job.py": "mine\n"})
    lab.edit("byhand", {"config.yaml": "workflow: {}\n"})
    lab.release("1.1.0", {"a.py": THEIRS, "b.py": None, "job.py": THEIRS, "README.md": "new\n"})
    return lab


PLAN = """\
byhand  not from a template
one     1.0.0 -> 1.1.0  would update  1 clean, 1 deleted, 1 merged, 1 kept yours
    kept yours    README.md  yours: the template never touches it again
    merged        a.py
    deleted       b.py
    clean         job.py
two     1.0.0 -> 1.1.0  would conflict  1 replaced, 1 conflict, 1 kept yours
    kept yours    README.md  yours: the template never touches it again
    CONFLICT      a.py       you and the template differ in 1 place
    replaced      job.py     your edit of a generated file gives way; git has it

3 workflows: 1 to update, 1 would conflict, 1 not from a template.
Next:
  Run it without --plan to do this; --diff shows every line.
"""

REPORT = """\
byhand  not from a template
one     1.0.0 -> 1.1.0  updated  1 clean, 1 deleted, 1 merged, 1 kept yours
    merged        a.py
    deleted       b.py
    clean         job.py
two     1.0.0 -> 1.1.0  conflict  1 replaced, 1 conflict, 1 kept yours
    CONFLICT      a.py    you and the template differ in 1 place
    replaced      job.py  your edit of a generated file gives way; git has it

3 workflows: 1 updated, 1 with conflicts, 1 not from a template.
Next:
  Resolve the conflicts (`git mergetool` works): src/dataflow/workflows/two/a.py
  Then commit: git add src/dataflow/workflows/two && \
git commit -m "Update workflows to 1.1.0" -- src/dataflow/workflows/two
  Look at it and commit: git diff; git add src/dataflow/workflows/one && \
git commit -m "Update workflows to 1.1.0" -- src/dataflow/workflows/one
  Your edit of a generated file, if you need it: git show HEAD:./src/dataflow/workflows/two/job.py
"""


@pytest.mark.slow
def test_the_plan_and_the_report_say_what_to_do_next(fleet: Lab) -> None:
    """Each workflow has a line, each file its fate, and the last lines say how to go on."""
    plan = run(fleet, "--all", "--plan")
    done = run(fleet, "--all")
    assert plan.output == PLAN
    assert (plan.exit_code, done.exit_code) == (1, 1)
    assert done.output == REPORT


@pytest.mark.slow
def test_the_proposed_commands_work(fleet: Lab) -> None:
    """What the report proposes to type can be typed, while another workflow has conflicts."""
    run(fleet, "--all")
    shown = fleet.git("show", "HEAD:./src/dataflow/workflows/two/job.py")
    assert shown == "mine\n"
    fleet.commit_only("one")
    (fleet.project.workflow_dir("two") / "a.py").write_text("resolved\n", encoding="utf-8")
    fleet.commit_only("two")
    assert fleet.git("status", "--porcelain", "src/dataflow/workflows") == ""


@pytest.mark.slow
def test_a_diff_shows_every_line_and_writes_nothing(fleet: Lab) -> None:
    """The diff is one that git understands, and what it says is what the update then does."""
    before = fleet.snapshot()
    diff = run(fleet, "one", "--diff").output
    assert fleet.snapshot() == before
    patch = diff[: diff.index("one  1.0.0")]
    run(fleet, "one")
    updated = {path: fleet.read("one", path) for path in ("a.py", "job.py", ".copier-answers.yml")}
    fleet.git("checkout", "-q", "--", ".")
    (fleet.project.root / "the.patch").write_text(patch, encoding="utf-8")
    fleet.git("apply", "the.patch")
    assert {path: fleet.read("one", path) for path in updated} == updated
    assert not fleet.exists("one", "b.py")


@pytest.mark.slow
def test_json_has_the_same_for_machines(fleet: Lab) -> None:
    """The JSON output names states, versions and files, and nothing else is printed."""
    found = json.loads(run(fleet, "--all", "--plan", "--json").stdout)
    assert found["summary"] == {"conflict": 1, "unmanaged": 1, "updated": 1}
    one = found["workflows"][1]
    assert (one["workflow_id"], one["from"], one["to"]) == ("one", "1.0.0", "1.1.0")
    assert {"path": "a.py", "action": "merged"} in one["files"]
    states = json.loads(run(fleet, "--json", command="status").stdout)["workflows"]
    assert [state["state"] for state in states] == ["unmanaged", "behind", "behind"]
    assert states[2]["drift"] == [{"path": "job.py", "kind": "edited"}]


@pytest.mark.slow
def test_a_second_run_has_nothing_to_do(lab: Lab) -> None:
    """An update that changes nothing ends well."""
    lab.release("1.0.0", {"a.py": TEN})
    lab.render("one")
    done = run(lab, "one")
    assert (done.exit_code, done.output) == (
        0,
        "one  1.0.0  up to date\n\n1 workflow: 1 up to date.\n",
    )


@pytest.mark.slow
def test_of_many_workflows_only_those_with_news_are_listed(lab: Lab) -> None:
    """A large fleet is counted, and only what needs eyes is spelt out."""
    lab.release("1.0.0", {"a.py": TEN})
    lab.render(*(f"w{n}" for n in range(14)))
    lab.edit("w3", {"a.py": TEN.replace("line 8", "mine")})
    lab.release("1.1.0", {"a.py": THEIRS})
    lines = run(lab, "--all").output.splitlines()
    assert "w0   1.0.0 -> 1.1.0  updated  1 clean" in lines
    assert sum(line.startswith("    ") for line in lines) == 1
    assert "14 workflows: 13 updated, 1 with conflicts." in lines


def test_status_shows_how_far_behind_and_what_differs(fleet: Lab) -> None:
    """The status names versions, releases missed, drift, and the command to go on with."""
    assert run(fleet, command="status").output == (
        "byhand  -      not from a template\n"
        "one     1.0.0  1 release behind 1.1.0\n"
        "two     1.0.0  1 release behind 1.1.0\n"
        "    edited    job.py: generated; it differs from 1.0.0\n"
        "\n"
        "3 workflows: 2 behind, 1 with drift.\n"
        "Next: dataflow workflow update --all --plan\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [(), ("one", "--all")])
def test_what_to_update_must_be_said(fleet: Lab, arguments: tuple[str, ...]) -> None:
    """Nothing named, or too much, is refused before anything is done."""
    done = run(fleet, *arguments)
    assert isinstance(done.exception, BadInputError)
    assert done.exception.exit_code == 2


def test_credentials_in_a_templates_address_are_not_shown(lab: Lab) -> None:
    """A password in an answers file is in no error."""
    lab.release("1.0.0", {"a.py": TEN})
    lab.render("one")
    source = "file:///no/where"
    lab.edit(
        "one",
        {".copier-answers.yml": f"_commit: 1.0.0\n_src_path: git+https://me:secret@{source}\n"},
    )
    done = run(lab, "one")
    assert "secret" not in done.output
    assert done.exit_code == 1
