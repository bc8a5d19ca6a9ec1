"""Version 0.1.0 of the template, projects made of it, and what people did to their files since."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from copier import run_copy
from tests.conftest import REPOSITORY

# What counts as release 0.1.0: the last commit before there were two distributions.
FIRST_RELEASE = "5a03dcf3cfdaadbf7644b1bfb9aeaa15d323a765"
OLD, NEW = "v0.1.0", "v0.2.0"
WORKFLOWS = Path("src/dataflow/workflows")

COLUMNS = [
    {"name": "id", "identifier": "id", "type": "BIGINT", "role": "key", "tests": ["unique"]},
    {"name": "day", "identifier": "day", "type": "DATE", "role": "date", "tests": ["not_null"]},
]
# One of each kind that the template's answers make.
ANSWERS: dict[str, dict[str, Any]] = {
    "sales": {},
    "rates": {"source_type": "api", "source_url": "https://rates.test/v1", "columns": COLUMNS}
    | {"auth_type": "bearer_token", "write_disposition": "merge", "primary_key": ["id"]},
    "customers": {"source_type": "database", "source_url": "data/shop.db", "schedule": ""},
    "plain": {"use_dbt": False},
    "lonely": {"use_assets": False, "use_evidence": False},
}


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder with an identity of its own."""
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout


def commit(folder: Path, message: str = "Work") -> None:
    """Commit all that is in a repository."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)


def make_releases(folder: Path, repository: Path = REPOSITORY) -> None:
    """Make a template repository of two versions: 0.1.0, and the working tree as 0.2.0."""
    git(repository, "clone", "--quiet", "--no-checkout", "--no-tags", str(repository), str(folder))
    try:
        git(folder, "checkout", "--quiet", "--detach", FIRST_RELEASE)
    except subprocess.CalledProcessError:
        pytest.fail(
            f"Commit {FIRST_RELEASE}, which is release 0.1.0, is not in this repository's history. "
            "A shallow clone does not have it: git fetch --unshallow"
        )
    git(folder, "tag", OLD)
    for name in ("template", "runtime", "tools"):
        shutil.rmtree(folder / name, ignore_errors=True)
        shutil.copytree(
            REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(REPOSITORY / "copier.yml", folder)
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--message", "The working tree")
    git(folder, "tag", NEW)


def render_project(releases: Path, root: Path, version: str, **more: Any) -> Path:
    """Render a project with a workflow of each kind, with some more answers, and commit it."""
    made: dict[str, Any] = {"defaults": True, "quiet": True, "vcs_ref": version}
    run_copy(str(releases), root, {"kind": "project", "project_name": "shop"}, **made)
    for name, answers in ANSWERS.items():
        run_copy(
            str(releases), root / WORKFLOWS / name, {"workflow_id": name, **answers, **more}, **made
        )
    git(root, "init", "--quiet")
    commit(root, "Rendered")
    return root


@dataclass(frozen=True)
class Edit:
    """One thing that a person does to a file: some text in the place of other text.

    Args:
        path: The file, from the project's root.
        old: What is replaced; nothing to write ``new`` at the file's end.
        new: What a person wrote. Each of its lines has to survive.
    """

    path: str
    old: str
    new: str

    @property
    def lines(self) -> list[str]:
        """The lines that are the person's own."""
        return [line for line in self.new.splitlines() if line not in self.old.splitlines()]

    def apply(self, root: Path) -> None:
        """Do it."""
        path = root / self.path
        text = path.read_text(encoding="utf-8")
        if self.old:
            assert text.count(self.old) == 1, (self.path, self.old)
        path.write_text(
            text.replace(self.old, self.new) if self.old else text + self.new, encoding="utf-8"
        )


def workflow_edits(name: str) -> list[Edit]:
    """What a person changes in the files of one workflow, without touching the template's lines."""
    answers, folder = ANSWERS[name], f"{WORKFLOWS}/{name}"
    own_op = f'@op\ndef tell_{name}(loaded: LoadResult) -> None:\n    """Tell."""\n\n\n'
    job = f"@job(executor_def=in_process_executor)\ndef {name}_job"
    stage = '\n\ndef mine(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:\n    """Mine."""\n'
    edits = [
        Edit(f"{folder}/config.yaml", "timeout_seconds: 30", "timeout_seconds: 45 # slow there"),
        Edit(f"{folder}/config.yaml", "", "\nrun:\n  timeout_seconds: 900\n"),
        Edit(f"{folder}/transform.py", "", f"{stage}    return rows\n"),
        Edit(f"{folder}/ingestion.py", "log = get_logger", "MINE = 1\nlog = get_logger"),
        Edit(f"{folder}/dagster_job.py", job, own_op + job),
        Edit(f"{folder}/README.md", "", "\n## Mine\n\nAsk the till.\n"),
        Edit(f"{folder}/tests/test_transform.py", "", "\n\nMINE = 1\n"),
    ]
    if not (answers.get("use_dbt") is False or answers.get("use_evidence") is False):
        called = f"    publish_{name}(modelled)\n"
        edits.append(Edit(f"{folder}/dagster_job.py", called, f"{called}    tell_{name}(loaded)\n"))
    if answers.get("use_assets") is not False:
        edits.append(Edit(f"{folder}/assets.py", "", "\nMINE = [source]\n"))
    if answers.get("use_dbt") is not False:
        models = f"{folder}/dbt/models"
        edits += [
            Edit(f"{models}/staging/stg_{name}.sql", "from source\n", "from source\nwhere true\n"),
            Edit(f"{models}/marts/_marts.yml", "version: 2\n", "version: 2\n# Mine.\n"),
            Edit(f"{folder}/dbt/dbt_project.yml", "", "\nvars:\n  mine: 1\n"),
        ]
    if answers.get("use_evidence") is not False:
        page = f"{folder}/evidence/pages/index.md"
        edits.append(Edit(page, "", "\n## Mine\n\nHow to read this.\n"))
    return edits


# What a person changes in the project's own files, apart from the lines of the template's version.
PROJECT_EDITS = [
    Edit(
        "pyproject.toml", '  "ruff>=0.17,<0.18",\n', '  "ruff>=0.17,<0.18",\n  "responses>=0.25",\n'
    ),
    Edit("pyproject.toml", "evidence_port = 9000", "evidence_port = 9100"),
    Edit("pyproject.toml", "", '\n[tool.mine]\nkey = "value"\n'),
    Edit(
        "workspace.yaml",
        "",
        "  - python_module:\n      module_name: mine.location\n      location_name: mine\n",
    ),
    Edit("dagster.yaml", "max_concurrent_runs: 4", "max_concurrent_runs: 2"),
    Edit("compose.yaml", "    stop_grace_period: 30s\n", "    stop_grace_period: 90s\n"),
    Edit(
        "compose.yaml",
        "  postgres:\n    image:",
        "  redis:\n    image: redis:7\n\n  postgres:\n    image:",
    ),
    Edit("README.md", "", "\n## Mine\n\nWho to ask.\n"),
    Edit(".gitignore", "", "/scratch/\n"),
    Edit(".dockerignore", "", "notes\n"),
    Edit(".pre-commit-config.yaml", "", "      - id: mine\n        name: mine\n"),
    Edit(".github/workflows/ci.yml", "timeout-minutes: 30", "timeout-minutes: 55"),
    Edit("Dockerfile", "RUN useradd", "ENV MINE=1\nRUN useradd"),
]

# As `uv add` writes it: one requirement to a line, its own source below ours.
DEPENDENCY_EDITS = [
    Edit(
        "pyproject.toml",
        'dependencies = ["dataflow-runtime[all]==0.1.0"]',
        'dependencies = [\n    "dataflow-runtime[all]==0.1.0",\n    "httpx>=0.28",\n]',
    ),
    Edit("pyproject.toml", "dev = [\n", 'dev = [\n  "hypothesis>=6",\n'),
    Edit(
        "pyproject.toml",
        "\n# The project's settings.",
        'mine = { path = "../mine" }\n\n# The project\'s settings.',
    ),
]

OWN_FILES = {
    f"{WORKFLOWS}/sales/dbt/models/marts/mine.sql": "select 1 as one\n",
    f"{WORKFLOWS}/sales/evidence/pages/mine.md": "# Mine\n",
    f"{WORKFLOWS}/sales/mine.py": "MINE = 1\n",
}
DELETED = f"{WORKFLOWS}/sales/evidence/sources/sales_latest.sql"
RENAMED = (
    f"{WORKFLOWS}/lonely/dbt/models/marts/_marts.yml",
    f"{WORKFLOWS}/lonely/dbt/models/marts/models.yml",
)


def edit_everything(root: Path) -> list[Edit]:
    """Edit every file, add some, delete one, rename one, and commit; what has to survive."""
    edits = [*PROJECT_EDITS, *(edit for name in ANSWERS for edit in workflow_edits(name))]
    for edit in edits:
        edit.apply(root)
    for name, text in OWN_FILES.items():
        (root / name).write_text(text, encoding="utf-8")
    (root / DELETED).unlink()
    (root / RENAMED[0]).rename(root / RENAMED[1])
    commit(root, "Edited")
    return edits
