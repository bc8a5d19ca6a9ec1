"""Finding, importing and registering workflows."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dataflow.shared.project import Project
from dataflow.shared.recorded_id import RenamedByHandError
from dataflow.workflows import registry
from dataflow.workflows.registry import (
    BrokenWorkflowError,
    WorkflowNotFoundError,
    get_workflow,
    list_workflow_ids,
    load_workflows,
)

JOB = """
from dagster import job, op
from dataflow.workflows.registry import register_workflow

@op
def work_{name}() -> int:
    return 1

@job
def {name}_job() -> None:
    work_{name}()

register_workflow(workflow_id="{name}", job={name}_job, description="{name} for a test")
"""

MakeWorkflow = Callable[..., Path]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    (tmp_path / "pyproject.toml").write_text("[tool.dataflow]\n")
    (tmp_path / "src" / "dataflow" / "workflows").mkdir(parents=True)
    monkeypatch.setattr(registry, "_registered", {})
    monkeypatch.syspath_prepend(str(tmp_path / "src"))
    for name in imported_workflows():
        monkeypatch.delitem(sys.modules, name)
    yield Project(tmp_path)
    # Other tests may have workflows of these names elsewhere.
    for name in imported_workflows():
        del sys.modules[name]


def imported_workflows() -> list[str]:
    own = ("dataflow.workflows.registry", "dataflow.workflows.identifiers")
    names = [name for name in sys.modules if name.startswith("dataflow.workflows.")]
    return [name for name in names if name not in own]


@pytest.fixture
def make_workflow(project: Project) -> MakeWorkflow:
    def make(name: str, code: str | None = None) -> Path:
        folder = project.workflow_dir(name)
        folder.mkdir()
        (folder / "config.yaml").write_text("workflow: {}\n")
        (folder / "dagster_job.py").write_text(code or JOB.format(name=name))
        return folder

    return make


def test_workflows_are_found_without_importing_any(
    project: Project, make_workflow: MakeWorkflow
) -> None:
    """Listing reads folders: a module that would raise does not, and other folders do not count."""
    make_workflow("reg_b", "raise RuntimeError")
    make_workflow("reg_a")
    (project.workflows_dir / "not_a_workflow").mkdir()
    assert list_workflow_ids(project) == ["reg_a", "reg_b"]


def test_finding_one_workflow_imports_only_that_one(
    project: Project, make_workflow: MakeWorkflow
) -> None:
    """The other workflow's module is not touched."""
    make_workflow("reg_wanted")
    make_workflow("reg_other")
    found = get_workflow("reg_wanted", project)
    assert found.job.name == "reg_wanted_job"
    assert found.description == "reg_wanted for a test"
    assert "dataflow.workflows.reg_other.dagster_job" not in sys.modules


def test_a_broken_workflow_is_reported_and_the_others_load(
    project: Project, make_workflow: MakeWorkflow
) -> None:
    """The reason names the exception, the file and the line."""
    make_workflow("reg_good")
    make_workflow("reg_bad", "import dataflow\n\nx = 1 / 0\n")
    make_workflow("reg_typo", "def broken(:\n")
    loaded, broken = load_workflows(project)
    assert [found.workflow_id for found in loaded] == ["reg_good"]
    reasons = {found.workflow_id: found.reason for found in broken}
    path = "src/dataflow/workflows/reg_bad/dagster_job.py:3"
    assert "ZeroDivisionError" in reasons["reg_bad"]
    assert path in reasons["reg_bad"]
    assert "src/dataflow/workflows/reg_typo/dagster_job.py:1" in reasons["reg_typo"]


def test_an_id_registered_twice_names_both_places(
    project: Project, make_workflow: MakeWorkflow
) -> None:
    """Both files stand in the error, and the first registration stays."""
    make_workflow("reg_first")
    make_workflow("reg_second", JOB.format(name="reg_first"))
    get_workflow("reg_first", project)
    with pytest.raises(BrokenWorkflowError) as caught:
        get_workflow("reg_second", project)
    assert "reg_first/dagster_job.py:13" in caught.value.reason
    assert "reg_second/dagster_job.py:13" in caught.value.reason
    assert get_workflow("reg_first", project).workflow_id == "reg_first"


def test_an_id_registered_twice_in_one_file_is_refused(
    project: Project, make_workflow: MakeWorkflow
) -> None:
    """Two calls for one id in one module are a mistake, not a reload."""
    again = 'register_workflow(workflow_id="reg_twice", job=reg_twice_job)\n'
    make_workflow("reg_twice", JOB.format(name="reg_twice") + again)
    with pytest.raises(BrokenWorkflowError, match="registered twice"):
        get_workflow("reg_twice", project)


def test_a_job_of_assets_is_refused_with_what_is_taken(
    project: Project, make_workflow: MakeWorkflow
) -> None:
    """`define_asset_job` names assets only; the job that Dagster makes of it can be registered."""
    code = """
from dagster import Definitions, asset, define_asset_job
from dataflow.workflows.registry import register_workflow

@asset
def number() -> int:
    return 3

register_workflow(workflow_id="NAME", job=JOB)
"""
    asset_job = "define_asset_job('some')"
    make_workflow("reg_assets", code.replace("NAME", "reg_assets").replace("JOB", asset_job))
    with pytest.raises(BrokenWorkflowError, match="is a job of assets") as caught:
        get_workflow("reg_assets", project)
    taken = f"Definitions(assets=[number], jobs=[{asset_job}]).resolve_job_def('some')"
    said = caught.value.instruction.replace("assets=[...]", "assets=[number]")
    assert taken in said.replace("('some', ...)", "('some')")
    make_workflow("reg_resolved", code.replace("NAME", "reg_resolved").replace("JOB", taken))
    assert get_workflow("reg_resolved", project).job.name == "some"


def test_a_merge_that_waits_for_its_person_is_called_so(
    project: Project, make_workflow: MakeWorkflow
) -> None:
    """Not a fault of Python's grammar: what both sides changed has markers around it."""
    make_workflow("reg_both", "x = 0\n<<<<<<< yours\nx = 1\n=======\nx = 2\n>>>>>>> theirs\n")
    _, [broken] = load_workflows(project)
    assert "dagster_job.py:2: a merge has left both sides here" in broken.reason


def test_a_module_that_registers_another_id_is_broken(
    project: Project, make_workflow: MakeWorkflow
) -> None:
    """A copied folder whose id was not changed says so."""
    make_workflow("reg_copy", JOB.format(name="reg_original"))
    with pytest.raises(BrokenWorkflowError, match="registers 'reg_original'"):
        get_workflow("reg_copy", project)


def test_a_name_that_is_not_there_suggests_the_nearest(
    project: Project, make_workflow: MakeWorkflow
) -> None:
    """A typing mistake is answered with the name that was meant."""
    make_workflow("reg_flights")
    with pytest.raises(WorkflowNotFoundError) as caught:
        get_workflow("reg_fligths", project)
    assert "Did you mean 'reg_flights'?" in caught.value.instruction


def test_an_init_file_that_hides_the_library_is_named(
    project: Project, make_workflow: MakeWorkflow
) -> None:
    """A stray __init__.py is the error, not the import that fails because of it."""
    make_workflow("reg_hidden")
    (project.workflows_dir / "__init__.py").touch()
    with pytest.raises(Exception, match="src/dataflow/workflows/__init__.py"):
        get_workflow("reg_hidden", project)


@pytest.mark.slow
def test_importing_the_registry_imports_neither_dagster_nor_pandas() -> None:
    """The command line lists workflows in a fraction of a second."""
    code = (
        "import sys, dataflow.workflows.registry, dataflow.cli.main, dataflow.cli.workflow_list;"
        "print([name for name in ('dagster', 'pandas', 'dbt', 'duckdb', 'pyarrow', 'copier') "
        "if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_code_that_goes_by_its_package_is_registered_under_its_folder(
    project: Project, make_workflow: MakeWorkflow
) -> None:
    """The same file is right in any folder, so nothing in it changes with the folder's name."""
    code = JOB.format(name="any").replace('workflow_id="any"', "workflow_id=__package__")
    for name in ("orders", "sales"):
        make_workflow(name, code)
        assert get_workflow(name, project).workflow_id == name


@pytest.mark.parametrize(
    ("is_copy", "command"), [(False, "rename orders sales"), (True, "copy orders sales")]
)
def test_a_folder_renamed_or_copied_by_hand_is_refused_before_its_code_is_imported(
    project: Project, make_workflow: MakeWorkflow, is_copy: bool, command: str
) -> None:
    """Its answers still say what it was, and what puts it right is told."""
    folder = make_workflow("sales", "raise SystemExit")
    (folder / ".copier-answers.yml").write_text("kind: workflow\nworkflow_id: orders\n")
    if is_copy:
        make_workflow("orders")
    with pytest.raises(RenamedByHandError) as refused:
        get_workflow("sales", project)
    assert ".copier-answers.yml:2" in refused.value.reason
    assert refused.value.instruction.endswith(f"dataflow workflow {command}")
    assert [broken.workflow_id for broken in load_workflows(project)[1]] == ["sales"]
