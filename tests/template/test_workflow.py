"""Every supported answer renders a workflow that passes the checks of its own project."""

from __future__ import annotations

import json
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from allpairspy import AllPairs
from copier import run_copy
from tests.conftest import BIN, Dataflow

pytestmark = pytest.mark.slow

ODD_COLUMNS = [
    {"name": name, "identifier": identifier, "type": kind, "role": role, "tests": tests}
    for name, identifier, kind, role, tests in [
        ("Order ID", "order_id", "BIGINT", "key", ["unique", "not_null"]),
        ("select", "select_", "VARCHAR", "text", []),
        ("größe", "groesse", "DOUBLE", "measure", []),
        ('say "hi"', "say_hi", "VARCHAR", "text", []),
        ("{{ this }}", "this", "VARCHAR", "text", []),
        ("it's", "its", "DATE", "date", ["not_null"]),
        ("a--b;c", "a_b_c", "TIMESTAMP WITH TIME ZONE", "text", []),
        ("flag", "flag", "BOOLEAN", "category", []),
        ("nested", "nested", "JSON", "nested", ["not_null"]),
        ("length of stay", "length_of_stay", "INTERVAL", "text", ["not_null"]),
        # Also the name of the column that the enrichment stage adds.
        ("Processed_At", "processed_at_", "TIMESTAMP", "time", []),
    ]
]

SAMPLE_COLUMNS = [
    {"name": "id", "identifier": "id", "type": "BIGINT", "role": "key", "tests": ["unique"]},
    {"name": "place", "identifier": "place", "type": "VARCHAR", "role": "category", "tests": []}
    | {"accepted_values": ["north", "land's end"]},
    {"name": "amount", "identifier": "amount", "type": "DECIMAL(10,2)", "role": "measure"}
    | {"tests": ["not_null"]},
]
API = {"source_type": "api", "source_url": "https://api.test/v1/trips"}
SOURCES: list[dict[str, Any]] = [
    {},
    {"source_url": "data/in/*.csv", "null_values": ["", "NA"]}
    | {"source_settings": {"encoding": "cp1252", "delimiter": ";"}},
    API,
    {**API, "auth_type": "bearer_token", "data_path": "data.items"},
    {**API, "auth_type": "basic"}
    | {"source_settings": {"paging": {"type": "none"}, "params": {"q": "a: #b", "n": [1, 2]}}},
    {**API, "auth_type": "api_key"}
    | {"source_settings": {"api_key_name": "key", "api_key_location": "query"}},
    {**API, "auth_type": "oauth2_client_credentials", "token_url": "https://api.test/token"},
    {"source_type": "database", "source_url": "data/source.db", "source_table": "Order Lines"},
    {"source_type": "database", "source_url": "postgresql://db.test/shop"}
    | {"source_settings": {"query": "select *\nfrom orders where note <> 'x: #y'"}},
]
COLUMNS: list[dict[str, Any]] = [
    {"columns": [], "primary_key": ["id"]},
    {"columns": SAMPLE_COLUMNS, "primary_key": ["id"]},
    {"columns": ODD_COLUMNS, "primary_key": ["Order ID"]},
]


def pairwise_answers() -> dict[str, dict[str, Any]]:
    """Sets of answers in which every two choices of two questions come together at least once."""
    choices: list[list[dict[str, Any]]] = [
        SOURCES,
        COLUMNS,
        [{"write_disposition": name} for name in ("replace", "append", "merge")],
        [{"schedule": "0 6 * * *", "timezone": "Europe/Berlin"}, {"schedule": ""}],
        *([{question: True}, {question: False}] for question in WANTED),
    ]
    # The library wants values that can be told apart: positions, not dicts.
    positions = AllPairs([list(range(len(options))) for options in choices])
    return {
        f"pair_{number}": {
            key: value
            for options, position in zip(choices, chosen, strict=True)
            for key, value in options[position].items()
        }
        for number, chosen in enumerate(positions)
    }


def seen_without_sources() -> list[str]:
    """The sets of answers that bring no new pair of choices, if the source's are not looked at."""
    seen: set[frozenset[str]] = set()
    found = []
    for name, answers in pairwise_answers().items():
        others = [f"{key}: {answers[key]}" for key in sorted(OTHERS & set(answers))]
        pairs = {frozenset(pair) for pair in combinations(others, 2)}
        if pairs <= seen:
            found.append(name)
        seen |= pairs
    return found


WANTED = ("use_assets", "use_dbt", "use_evidence")
OTHERS = {"columns", "write_disposition", "schedule", *WANTED}
ANSWERS: dict[str, dict[str, Any]] = {
    "plain": {},
    **pairwise_answers(),
    "odd_texts": {
        "title": 'The "best" sales: 100% #1 {{ 7 * 7 }}',
        "description": 'It\'s <b>bold</b> & "quoted" \\ ${HOME} {{ 7 * 7 }} 🎉 ' + "long " * 20,
        "use_dbt": False,
    },
    "a_rather_long_name_for_a_small_workflow": {"use_assets": True},
}


@pytest.fixture(scope="module")
def project(
    tmp_path_factory: pytest.TempPathFactory, template_repository: Path, dataflow: Dataflow
) -> Path:
    """A project with one workflow for each set of answers."""
    folder = tmp_path_factory.mktemp("rendered") / "shop"
    made = dataflow(
        "init", folder, "--template", template_repository, "--defaults", cwd=folder.parent
    )
    assert made.returncode == 0, made.stderr
    for name, answers in ANSWERS.items():
        data = {"kind": "workflow", "workflow_id": name, **answers}
        run_copy(
            str(template_repository),
            folder / "src" / "dataflow" / "workflows" / name,
            data=data,
            defaults=True,
            quiet=True,
        )
    return folder


def tool(project: Path, *command: str) -> None:
    done = subprocess.run(
        [BIN / command[0], *command[1:]], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_the_formatter_has_nothing_to_change(project: Path) -> None:
    """Rendered Python is as ruff formats it."""
    tool(project, "ruff", "format", "--diff", ".")


def test_the_linter_has_nothing_to_say(project: Path) -> None:
    """Rendered Python passes the project's own rules."""
    tool(project, "ruff", "check", ".")


def test_the_strict_type_checker_has_nothing_to_say(project: Path) -> None:
    """Rendered Python is typed."""
    tool(project, "mypy")


def test_the_rendered_tests_pass(project: Path) -> None:
    """Each workflow's own tests pass without an edit, without its source and without secrets.

    Where what differs is the source alone, its whole run is left out: it is of the same sample.
    """
    workflows = Path("src", "dataflow", "workflows")
    again = [workflows / name / "tests" / "test_integration.py" for name in seen_without_sources()]
    tool(project, "pytest", "-q", *(f"--ignore={path}" for path in again))


def test_no_file_has_scars_of_the_template(project: Path) -> None:
    """No unrendered Jinja, no trailing blanks, no doubled blank lines, one newline at the end."""
    for path in (project / "src").rglob("*"):
        if not path.is_file() or path.name == ".gitkeep" or "__pycache__" in path.parts:
            continue
        text = path.read_text(encoding="utf-8")
        where = str(path.relative_to(project))
        assert "{%" not in text or path.parent.name == "macros", where
        assert text.endswith("\n"), where
        assert not text.endswith("\n\n"), where
        assert not any(line != line.rstrip() for line in text.splitlines()), where
        if path.suffix != ".py":
            assert "\n\n\n" not in text, where


def test_texts_stay_texts(project: Path) -> None:
    """Jinja, variables and quotes in an answer are shown, not evaluated."""
    folder = project / "src" / "dataflow" / "workflows" / "odd_texts"
    assert "{{ 7 * 7 }}" in (folder / "README.md").read_text(encoding="utf-8")
    assert "49" not in (folder / "config.yaml").read_text(encoding="utf-8")
    code = (
        "import json; from dataflow.shared.config import load_config;"
        "print(json.dumps(load_config('odd_texts')['workflow']))"
    )
    done = subprocess.run(
        [BIN / "python", "-c", code], cwd=project, capture_output=True, text=True, check=True
    )
    loaded = json.loads(done.stdout)
    assert loaded["name"] == ANSWERS["odd_texts"]["title"]
    assert loaded["description"] == ANSWERS["odd_texts"]["description"].strip()


def test_copying_by_hand_equals_the_command(
    project_folder: Path, template_repository: Path, dataflow: Dataflow
) -> None:
    """`copier copy REPOSITORY FOLDER`, without --trust, makes what `workflow new` makes."""
    workflows = project_folder / "src" / "dataflow" / "workflows"
    made = dataflow("workflow", "new", "my_workflow", "--defaults", cwd=project_folder)
    assert made.returncode == 0, made.stderr
    (workflows / "my_workflow").rename(project_folder / "by_command")
    subprocess.run(
        [BIN / "copier", "copy", "--defaults", template_repository, workflows / "my_workflow"],
        cwd=project_folder,
        check=True,
        capture_output=True,
    )
    assert tree(workflows / "my_workflow") == tree(project_folder / "by_command")


def tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("class", "Python"),
        ("my-flow", "my_flow"),
        ("MyFlow", "my_flow"),
        ("registry", "registry"),
        ("../evil", "../evil"),
        ("9lives", "9lives"),
        ("x" * 60, "40"),
    ],
)
def test_a_bad_id_is_refused_before_anything_is_written(
    project_folder: Path, dataflow: Dataflow, name: str, reason: str
) -> None:
    """The answer says what is wrong, with exit code 2, and the project is as it was."""
    before = sorted(project_folder.rglob("*"))
    refused = dataflow("workflow", "new", name, "--defaults", cwd=project_folder)
    assert refused.returncode == 2
    assert reason in refused.stderr
    assert "Traceback" not in refused.stderr
    assert sorted(project_folder.rglob("*")) == before


def test_a_name_that_is_taken_is_refused(project_folder: Path, dataflow: Dataflow) -> None:
    """An existing workflow is never written over."""
    dataflow("workflow", "new", "my_workflow", "--defaults", cwd=project_folder)
    again = dataflow("workflow", "new", "my_workflow", "--defaults", cwd=project_folder)
    assert again.returncode == 2
    assert "already" in again.stderr


def test_a_bad_schedule_is_refused_before_anything_is_written(
    project_folder: Path, dataflow: Dataflow
) -> None:
    """The scheduler's own rule decides."""
    refused = dataflow(
        "workflow", "new", "late", "--defaults", "-d", "schedule=61 * * * *", cwd=project_folder
    )
    assert refused.returncode == 2
    assert "61" in refused.stderr
    assert not (project_folder / "src" / "dataflow" / "workflows" / "late").exists()
