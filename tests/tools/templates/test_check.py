"""`dataflow template check`: what is wrong is found, with answers, file and a command to see it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.conftest import BIN, REPOSITORY, Dataflow
from tests.template.release_fixtures import commit, git, make_releases
from tests.tools.templates.conftest import CONFIG, Fork

from dataflow.shared.errors import BadInputError
from dataflow_tools.templates.check import CheckReport, CheckRequest, check_template


def findings(report: CheckReport, step: str) -> list[tuple[str, str, str]]:
    """The set of answers, file and reason of each finding of a step."""
    return [
        (one.name, one.file.rpartition("/")[2], one.reason)
        for found in report.steps
        if found.name == step
        for one in found.findings
    ]


@pytest.mark.slow
def test_what_is_wrong_is_found_and_can_be_seen_again(fork: Fork, tmp_path: Path) -> None:
    """Format, lint, a refused answer, chance in a file, a new question: each is a finding."""
    fork.write(
        {
            "template/workflow/ugly.py": "x  =  1\n",
            "template/workflow/unused.py": "import os\n",
            "template/workflow/chance.py.jinja": "X = {{ range(9999) | random }}\n",
            "copier.yml": CONFIG
            + "colour: {type: str, default: '{{ UNSET }}', when: \"{{ source_type == 'api' }}\"}\n",
        }
    )
    before = fork.state()
    (fork.root / "template/workflow/not_committed.py").write_text("y  =  1\n")
    kept = tmp_path / "kept"
    report = check_template(fork.root, CheckRequest(runs=0, keep=kept))
    assert not report.passed
    plain = ("plain", "ugly.py", "ruff would format it differently")
    assert plain in findings(report, "format")
    assert ("plain", "not_committed.py", plain[2]) in findings(report, "format")
    assert any(file == "unused.py" and "F401" in why for _, file, why in findings(report, "lint"))
    assert findings(report, "contract"), "a workflow without a config passed the checklist"
    api = [name for name, answers in report.sets.items() if answers.get("source_type") == "api"]
    assert sorted({name for name, *_ in findings(report, "render")}) == sorted(api)
    updated = findings(report, "update")
    assert any(file == "chance.py" and "fresh" in why for _, file, why in updated)
    assert any(name in api and "the update fails" in why for name, _, why in updated)
    # As it is shown: the command can be pasted, and renders the same set.
    refused = next(one for step in report.steps for one in step.findings if step.name == "render")
    again = f"{refused.reproduce.rpartition(' ')[0]} {tmp_path / 'again'}"
    path = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    done = subprocess.run(again, shell=True, capture_output=True, text=True, env=path)
    assert "colour" in done.stderr
    assert (kept / "src/dataflow/workflows/plain/ugly.py").is_file()
    (fork.root / "template/workflow/not_committed.py").unlink()
    assert fork.state() == before


@pytest.mark.slow
def test_this_template_passes_with_a_run_and_an_update_from_the_first_release(
    tmp_path: Path, dataflow: Dataflow
) -> None:
    """A fork of this repository, by the command, with its own samples and DATAFLOW_PROJECT set."""
    fork = tmp_path / "fork"
    make_releases(fork)
    shutil.copy(REPOSITORY / "template-check.yml", fork)
    commit(fork)
    what = ("template", "check", "--only", "plain", "--only", "pair_1", "--runs", "1")
    done = dataflow(
        *(*what, "--from", "v0.1.0", "--json"), cwd=fork, env={"DATAFLOW_PROJECT": str(tmp_path)}
    )
    report = json.loads(done.stdout or "{}")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert [step["step"] for step in report["steps"]] == [
        *("render", "format", "lint", "contract", "run", "update")
    ]
    assert report["steps"][-1]["counted"].startswith("3 instances")
    assert git(fork, "status", "--porcelain") == ""


def test_a_shallow_clone_is_refused_with_what_to_do(fork: Fork, tmp_path: Path) -> None:
    """CI that fetches one commit has no release to update from; it must not pass for that."""
    fork.commit()
    url = fork.root.as_uri()
    git(tmp_path, "clone", "--quiet", "--depth=1", url, "shallow")
    with pytest.raises(BadInputError, match=r"fetch-depth|shallow"):
        check_template(tmp_path / "shallow", CheckRequest())


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (CheckRequest(only=("pair_999",)), "no set of answers named pair_999"),
        (CheckRequest(tags=("v7",)), "no release v7"),
    ],
)
def test_names_that_are_not_there_are_refused(
    fork: Fork, request_: CheckRequest, words: str
) -> None:
    """Sets and releases are refused by name, with those that there are."""
    with pytest.raises(BadInputError, match=words):
        check_template(fork.root, request_)
