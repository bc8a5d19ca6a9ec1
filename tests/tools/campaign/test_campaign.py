"""A template version through many repositories: each once, in rings, whatever happens between."""

from __future__ import annotations

import json
import shutil
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from tests.conftest import Dataflow
from tests.tools.campaign.conftest import (
    BRANCH,
    KINDS,
    TEN,
    WORKFLOWS,
    Fleet,
    install_host,
    make_fleet,
)
from tests.tools.fleet.conftest import git, write

from dataflow.shared.errors import BadInputError
from dataflow_tools.campaign.campaign import report_campaign
from dataflow_tools.campaign.ledger import State
from dataflow_tools.campaign.locks import CampaignBusyError
from dataflow_tools.campaign.page import report_page
from dataflow_tools.campaign.sources import find_repositories


@pytest.mark.slow
def test_a_branch_has_the_new_version_and_what_people_wrote(few: Fleet) -> None:
    """One commit on what people have; a conflicting workflow is left as it was, and named."""
    assert few.plan().count() == {State.READY: 5}
    report = few.run()
    assert report.entries["edited-0"].state is State.PUSHED
    edited = few.show("edited-0", f"{WORKFLOWS}/one/config.yaml")
    assert edited == TEN.replace("line 1\n", "mine\n").replace("line 8\n", "line eight\n")
    assert few.show("edited-0", f"{WORKFLOWS}/one/own.py") == "X = 1\n"
    partly = report.entries["partly-0"]
    assert partly.left_out == {"one": "conflicts in config.yaml"}
    assert few.show("partly-0", f"{WORKFLOWS}/one/config.yaml") == TEN.replace("line 8", "mine")
    assert "_commit: v1.0.0" in few.show("partly-0", f"{WORKFLOWS}/one/.copier-answers.yml")
    assert "line eight" in few.show("partly-0", f"{WORKFLOWS}/two/config.yaml")
    assert "one: conflicts in config.yaml" in git(
        few.remotes / "partly-0.git", "log", "-1", "--format=%B", BRANCH
    )
    listed = git(few.remotes / "plain-0.git", "diff", "--name-only", "main", BRANCH).split()
    assert not [name for name in listed if ".dataflow" in name]
    assert few.pushes()["failing-0"] == []
    assert report.entries["failing-0"].state is State.CHECKS_FAILED


@pytest.mark.slow
def test_what_is_done_is_not_done_again(few: Fleet) -> None:
    """A second run, and a second plan, push nothing and look at what failed only."""
    few.plan()
    few.run()
    pushed = few.pushes()
    few.plan()
    report = few.run()
    assert few.pushes() == pushed
    assert report.count() == {State.PUSHED: 4, State.CHECKS_FAILED: 1}
    assert report.exit_code == 1


@pytest.mark.slow
@pytest.mark.parametrize("lines", [1, 2])
def test_a_push_that_nobody_wrote_down_is_not_made_again(few: Fleet, lines: int) -> None:
    """Killed behind the push, with or without the line before it: the commit is known for ours."""
    few.plan()
    few.run()
    pushed = few.pushes()
    ledger = few.folder / "ledger.jsonl"
    kept = [line for line in ledger.read_text().splitlines() if '"plain-1"' in line][-lines:]
    ledger.write_text("".join(f"{x}\n" for x in ledger.read_text().splitlines() if x not in kept))
    report = few.run()
    assert few.pushes() == pushed
    assert report.entries["plain-1"].state is State.PUSHED


@pytest.mark.slow
def test_what_failed_is_tried_again_with_what_people_did_meanwhile(few: Fleet) -> None:
    """The check's cause is removed upstream; the next run goes through, on the new commit."""
    few.plan()
    few.run()
    bare = few.remotes / "failing-0.git"
    git(few.remotes, "clone", "-q", str(bare), str(few.remotes.parent / "person"))
    person = few.remotes.parent / "person"
    write(person, {"broken": None})
    git(person, "commit", "-qam", "Fixed")
    git(person, "push", "-q", "origin", "main")
    report = few.run()
    assert report.exit_code == 0
    assert git(bare, "rev-parse", f"{BRANCH}^") == git(bare, "rev-parse", "main")


@pytest.mark.slow
def test_a_ring_stops_when_too_many_fail(few: Fleet) -> None:
    """One of the first two fails: the second is not begun, nor is the next ring."""
    few.plan(sizes=["2", "100%"], stop_above=0.1)
    report = few.run()
    assert report.settings.rings[0] == ["edited-0", "failing-0"]
    assert "Ring 1 was stopped: 1 of its 2 repositories failed (failing-0)" in report.stopped
    assert [name for name, lines in few.pushes().items() if lines] == ["edited-0"]
    assert report.exit_code == 1


@pytest.mark.slow
def test_it_goes_no_further_than_the_ring_asked_for(few: Fleet) -> None:
    """`--ring 1` leaves the others waiting; the next run does them."""
    few.plan(sizes=["1", "100%"])
    few.run(last_ring=1)
    assert [name for name, lines in few.pushes().items() if lines] == ["edited-0"]
    few.run()
    assert sum(len(lines) for lines in few.pushes().values()) == 4


@pytest.mark.slow
def test_commits_of_others_on_the_branch_are_left_alone(few: Fleet) -> None:
    """Somebody has the branch already, or adds to ours: nothing is pushed over it."""
    bare = few.remotes / "plain-0.git"
    few.plan()
    git(bare, "update-ref", BRANCH, "main")
    report = few.run()
    assert report.entries["plain-0"].state is State.FOREIGN
    assert git(bare, "rev-parse", BRANCH) == git(bare, "rev-parse", "main")
    assert few.pushes()["plain-0"] == []


@pytest.mark.slow
def test_a_command_after_the_update_adds_to_the_commit(few: Fleet) -> None:
    """`--then` renews what depends on the update, as a lock file does; one that fails is told."""
    few.plan(then="test ! -e broken && cat pyproject.toml > lock", check="none")
    report = few.run()
    assert "line eight" in few.show("plain-0", "lock")
    assert "exit code 1" in report.entries["failing-0"].reason
    assert few.pushes()["failing-0"] == []


@pytest.mark.slow
def test_working_trees_of_people_are_only_read(few: Fleet, tmp_path: Path) -> None:
    """From a folder of clones, some of them dirty, their origins are meant; no file changes."""
    clones = tmp_path / "clones"
    clones.mkdir()
    for bare in few.remotes.iterdir():
        git(clones, "clone", "-q", str(bare), str(clones / bare.stem))
    write(clones / "plain-0", {"pyproject.toml": "in the middle of something", "new": "x"})
    git(clones / "plain-1", "checkout", "-q", "-b", "mine")
    (clones / "notes").mkdir()
    before = snapshot(clones)
    few.plan(repositories=find_repositories([str(clones)]))
    assert few.run().count()[State.PUSHED] == 4
    assert snapshot(clones) == before


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file below a folder."""
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.slow
def test_a_workflows_own_checks_decide_where_no_command_is_given(few: Fleet) -> None:
    """These workflows have no valid config: nothing is pushed, and the report has the words."""
    few.plan(check="own")
    report = few.run(last_ring=1)
    assert {report.entries[name].state for name in report.settings.rings[0]} == {
        State.CHECKS_FAILED
    }
    assert "config and imports failed" in report.entries["edited-0"].reason
    assert not any(few.pushes().values())


@pytest.mark.slow
def test_real_workflows_are_checked_and_pushed_by_the_commands(
    project_folder: Path,
    workflow_folder: Path,
    template_repository: Path,
    tmp_path: Path,
    dataflow: Dataflow,
) -> None:
    """This template's own project: planned, checked by its workflow's tests, and pushed."""
    template = shutil.copytree(template_repository, tmp_path / "template")
    page = template / "template" / "workflow" / "config.yaml.jinja"
    page.write_text(page.read_text().replace("\nworkflow:\n", "\n# New.\nworkflow:\n", 1))
    git(template, "commit", "-qam", "New")
    git(template, "tag", "v0.2.1")
    (workflow_folder / "tests" / "test_integration.py").unlink()
    answers = ".copier-answers.yml"
    for path in (
        project_folder / answers,
        workflow_folder / answers,
        project_folder / "pyproject.toml",
    ):
        path.write_text(path.read_text().replace(str(template_repository), str(template)))
    git(project_folder, "init", "-q")
    git(project_folder, "add", "-A")
    git(project_folder, "commit", "-qm", "Start")
    git(tmp_path, "clone", "-q", "--bare", str(project_folder), "shop.git")
    planned = dataflow("campaign", "plan", "shop.git", cwd=tmp_path)
    assert planned.returncode == 0, planned.stdout + planned.stderr
    ran = dataflow("campaign", "run", cwd=tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    new = "dataflow/update-v0.2.1:src/dataflow/workflows/sales/config.yaml"
    assert "# New." in git(tmp_path / "shop.git", "show", new)


@pytest.mark.slow
def test_the_report_is_data_lines_and_a_page(few: Fleet, dataflow: Dataflow) -> None:
    """What a repository says is text on the page; the command writes all three."""
    few.plan()
    page = few.folder / "page.html"
    shown = dataflow("campaign", "report", "--in", few.folder, "--page", page, cwd=few.folder)
    assert shown.returncode == 0
    text = page.read_text()
    assert text.count("<tr>") == 6
    assert "partly-0" in text
    ledger = few.folder / "ledger.jsonl"
    entry = {"repository": "plain-0", "state": "failed", "reason": "<script>alert(1)</script>"}
    ledger.write_text(f"{ledger.read_text()}{json.dumps(entry)}\n{{half a li", encoding="utf-8")
    report = report_campaign(few.folder)
    assert "<script>" not in report_page(report)
    assert "&lt;script&gt;" in report_page(report)
    lines = dataflow("campaign", "report", "--in", few.folder, cwd=few.folder)
    assert lines.returncode == 1
    assert "<script>alert(1)</script>" in lines.stdout
    data = json.loads(
        dataflow("campaign", "report", "--json", "--in", few.folder, cwd=few.folder).stdout
    )
    assert data["summary"] == {"failed": 1, "ready": 4}
    assert data["version"] == "v1.1.0"


@pytest.mark.slow
def test_another_version_in_the_same_folder_is_refused(few: Fleet) -> None:
    """A folder is one campaign; and without one there is nothing to run."""
    with pytest.raises(BadInputError, match="no campaign"):
        few.run()
    few.plan(version="v1.1.0")
    with pytest.raises(BadInputError, match=r"carries v1\.1\.0, not v1\.0\.0"):
        few.plan(version="v1.0.0")


@pytest.mark.slow
def test_a_folder_of_others_is_refused(few: Fleet) -> None:
    """Nothing is written into a folder with other files, nor their .gitignore over."""
    few.folder.mkdir()
    write(few.folder, {".gitignore": "mine\n", "notes": "x"})
    with pytest.raises(BadInputError, match="not a campaign's"):
        few.plan()
    assert sorted(path.name for path in few.folder.iterdir()) == [".gitignore", "notes"]
    assert (few.folder / ".gitignore").read_text() == "mine\n"


@pytest.mark.slow
def test_two_runs_of_one_campaign_are_one_too_many(few: Fleet, tmp_path: Path) -> None:
    """The second is refused with the process id of the first, which goes on to its end."""
    gate = tmp_path / "gate"
    few.plan(check=f"touch {gate}.reached; while ! test -e {gate}; do sleep 0.05; done")
    first = few.start()
    wait_for(lambda: Path(f"{gate}.reached").exists())
    with pytest.raises(CampaignBusyError, match=str(first.pid)):
        few.run()
    gate.touch()
    assert first.wait(timeout=120) == 0, first.communicate()
    assert sum(len(lines) for lines in few.pushes().values()) == 5


def wait_for(condition: object, seconds: float = 120) -> None:
    """Wait until something has happened in another process."""
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.slow
def test_fifty_repositories_survive_kills_in_the_middle(
    fifty: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed three times, the campaign ends with one push and one pull request in each."""
    install_host(fifty, "gh", monkeypatch)
    planned = fifty.plan(pull_requests="gh")
    expected = {kind: state for kind, (_, state) in KINDS.items()}
    assert {name: entry.state.value for name, entry in planned.entries.items()} == {
        name: expected[name.rpartition("-")[0]] for name in planned.entries
    }
    ready = planned.count()[State.READY]
    assert [len(ring) for ring in planned.settings.rings] == [3, 8, ready - 11]
    for number in (2, 9, 20):
        process = fifty.start()
        wait_for(lambda: sum(map(len, fifty.pushes().values())) >= number)  # noqa: B023
        process.send_signal(signal.SIGKILL)
        process.communicate()
    last = fifty.start()
    _, told = last.communicate(timeout=300)
    assert last.returncode == 1, told
    report = report_campaign(fifty.folder)
    proposed = {n for n, e in report.entries.items() if e.state is State.PROPOSED}
    assert {name.rpartition("-")[0] for name in proposed} == {
        *("plain", "edited", "partly", "trunk", "below")
    }
    pushes = fifty.pushes()
    assert {name for name, lines in pushes.items() if lines} == proposed
    assert {len(pushes[name]) for name in proposed} == {1}
    created = Counter(call[1] for call in fifty.calls() if call[3] == "create")
    assert created == dict.fromkeys(proposed, 1)
    assert {call[call.index("--base") + 1] for call in fifty.calls() if call[3] == "create"} == {
        *("main", "trunk")
    }
    assert report.entries["taken-0"].state is State.FOREIGN
    assert "broken-0" in {n for n, e in report.entries.items() if "pyproject.toml" in e.reason}
    assert "team/pipelines/one" in report.entries["below-0"].updated


@pytest.mark.slow
def test_two_campaigns_at_once_share_the_repositories(
    material: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From two folders, over the same ones: one push and one pull request in each all the same."""
    kinds = {"plain": 6, "edited": 3, "partly": 2, "taken": 1, "broken": 1}
    fleet = make_fleet(material, tmp_path, kinds)
    install_host(fleet, "gh", monkeypatch)
    fleet.plan(pull_requests="gh")
    other = tmp_path / "other"
    shutil.copytree(fleet.folder, other, ignore=shutil.ignore_patterns("clones", "lock"))
    both = [fleet.start(), fleet.start(other)]
    for process in both:
        _, told = process.communicate(timeout=300)
        assert process.returncode == 1, told
    numbers = {name: len(lines) for name, lines in fleet.pushes().items()}
    done = {name for name, number in numbers.items() if number}
    assert {name.rpartition("-")[0] for name in done} == {"plain", "edited", "partly"}
    assert set(numbers.values()) == {0, 1}
    created = Counter(call[1] for call in fleet.calls() if call[3] == "create")
    assert created == dict.fromkeys(done, 1)
    for folder in (fleet.folder, other):
        states = report_campaign(folder).count()
        assert states[State.PROPOSED] == len(done) == 11
