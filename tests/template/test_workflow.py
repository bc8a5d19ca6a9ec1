"""Every supported answer renders a workflow that passes the checks of its own project."""

from __future__ import annotations

import json
import subprocess
from itertools import combinations
from pathlib import Path

import pytest
import yaml
from copier import run_copy
from tests.conftest import BIN, REPOSITORY, Dataflow

from dataflow_tools.templates.answer_sets import answer_sets, read_samples

pytestmark = pytest.mark.slow

SAMPLES = read_samples(REPOSITORY)
ANSWERS = answer_sets(yaml.safe_load((REPOSITORY / "copier.yml").read_text()), SAMPLES)


def seen_without_sources() -> list[str]:
    """The sets of answers that bring no new pair of choices, if the source's are not looked at."""
    seen: set[frozenset[str]] = set()
    found = []
    for name, answers in ANSWERS.items():
        if name in SAMPLES.always or not answers:
            continue
        others = [f"{key}: {answers[key]}" for key in sorted(OTHERS & set(answers))]
        pairs = {frozenset(pair) for pair in combinations(others, 2)}
        if pairs <= seen:
            found.append(name)
        seen |= pairs
    return found


OTHERS = {"columns", "write_disposition", "schedule", "use_assets", "use_dbt", "use_evidence"}


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
