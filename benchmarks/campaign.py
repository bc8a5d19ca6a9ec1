"""What a campaign costs for each repository, against `workflow update --all` in one of them.

Repositories with workflows of this repository's own template, on this disk, each with an edit of
a person. A campaign plans, updates, commits and pushes them; the command is run in one clone. Both
are CPU seconds of all processes, in one run; checks are left out, since both would run the same.

    python benchmarks/campaign.py [--repositories 50] [--workflows 4] [--repeat 3]
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from measuring import Cost, Result, in_turn, least, measure, ratio, record
from update import IDENTITY, git, make_project, make_template, reset

GOAL = 1.5
DATAFLOW = [sys.executable, "-m", "dataflow.cli"]
TO = "v1.1.0"
UPDATE = [*DATAFLOW, "workflow", "update", "--all", "--project", "--to", TO]


def make_repositories(root: Path, number: int, workflows: int) -> Path:
    """Bare repositories, each with a commit of its own."""
    template = root / "template"
    template.mkdir()
    make_template(template)
    make_project(root / "model", template, workflows)
    add_project(root / "model", template)
    (root / "remotes").mkdir()
    for position in range(number):
        bare = root / "remotes" / f"team-{position}.git"
        git(root, "clone", "-q", "--bare", "--no-hardlinks", "--template=", "model", str(bare))
        own = ["commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", f"Team {position}"]
        made = measure(["git", *IDENTITY, *own], bare, timeout=60).output.strip()
        git(bare, "update-ref", "refs/heads/main", made)
    return root / "remotes"


def add_project(folder: Path, template: Path) -> None:
    """Make a folder of workflows a project of the template's first version as well."""
    import copier

    answers = {"kind": "project", "project_name": "bench"}
    options = {"vcs_ref": "v1.0.0", "defaults": True, "overwrite": True, "quiet": True}
    copier.run_copy(str(template), folder, answers, **options)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "project")


def campaign(root: Path, remotes: Path) -> Cost:
    """Plan a campaign and run it to its end."""
    work = root / "work"
    shutil.rmtree(work, ignore_errors=True)
    copies = work / "remotes"
    shutil.copytree(remotes, copies, symlinks=True)
    options = ["--in", "campaign", "--to", TO, "--pull-requests", "none", "--check", "none"]
    environment = {"XDG_CACHE_HOME": str(root / "cache"), **_NAMES}
    plan = [*DATAFLOW, "campaign", "plan", str(copies), *options]
    costs = [
        measure(command, work, timeout=900, environment=environment)
        for command in (plan, [*DATAFLOW, "campaign", "run", "--in", "campaign"])
    ]
    for bare in copies.iterdir():
        git(bare, "rev-parse", "--verify", f"refs/heads/dataflow/update-{TO}")
    return Cost(
        sum(cost.wall for cost in costs),
        sum(cost.cpu for cost in costs),
        max(cost.memory for cost in costs),
    )


_NAMES = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Bench"), ("EMAIL", "bench@example.org"))
}


def together(root: Path, number: int) -> Cost:
    """Update as many workflows as all repositories have, in one project, by the command."""
    project = root / "together"
    if not project.is_dir():
        make_project(project, root / "template", number)
        add_project(project, root / "template")
    reset(project)
    return measure(UPDATE, project, timeout=600)


def single(root: Path, remotes: Path) -> Cost:
    """Update one clone by the command."""
    clone = root / "clone"
    shutil.rmtree(clone, ignore_errors=True)
    git(root, "clone", "-q", str(next(iter(sorted(remotes.iterdir())))), str(clone))
    return measure(UPDATE, clone, timeout=300)


def main() -> None:
    """Measure, and print one line for each result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repositories", type=int, default=50)
    parser.add_argument("--workflows", type=int, default=4)
    parser.add_argument("--repeat", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dataflow-bench-") as folder:
        root = Path(folder)
        remotes = make_repositories(root, chosen.repositories, chosen.workflows)
        costs = in_turn(
            {
                "campaign": lambda: campaign(root, remotes),
                "single": lambda: single(root, remotes),
                "together": lambda: together(root, chosen.repositories * chosen.workflows),
            },
            chosen.repeat,
        )
    each = least(costs["campaign"]).cpu / chosen.repositories
    of_one = ratio(costs["campaign"], costs["single"], "cpu") / chosen.repositories
    of_all = ratio(costs["campaign"], costs["together"], "cpu")
    what = f"campaign through {chosen.repositories} repositories of {chosen.workflows} workflows"
    record(
        Result(
            "campaign",
            f"{what}: each, against update --all in one of them",
            f"{each:.2f} s CPU",
            f"{of_one:.2f}x",
            f"{GOAL:g}x",
            of_one <= GOAL,
        ),
        Result(
            "campaign",
            f"{what}: all, against update --all of as many workflows in one project",
            f"{least(costs['campaign']).cpu:.1f} s CPU",
            f"{of_all:.2f}x",
        ),
    )


if __name__ == "__main__":
    main()
