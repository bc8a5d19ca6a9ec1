"""What a run says of what went wrong in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dataflow.runs.failure import code_of_failure, explain_failure, full_stack, is_interruption
from dataflow.shared.project import Project


@dataclass
class Recorded:
    """An exception as Dagster records it."""

    cls_name: str
    message: str
    stack: Sequence[str] = ()
    cause: Any = None


def of_step(cause: Recorded | None) -> Recorded:
    """What Dagster makes of an exception that an op raised."""
    name = "DagsterExecutionStepExecutionError"
    return Recorded(name, f"{name}: in the op", cause=cause)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "pyproject.toml").write_text("[tool.dataflow]\n")
    return Project(tmp_path)


def test_the_place_is_the_last_one_in_the_project(project: Project) -> None:
    """Not Dagster's, nor a library's that the author's code has called."""
    own = project.source_dir / "dataflow" / "workflows" / "till"
    stack = [
        '  File "/lib/dagster/execute.py", line 1, in run\n    step()\n',
        f'  File "{own}/dagster_job.py", line 12, in extract\n    return fetch()\n',
        f'  File "{own}/ingestion.py", line 7, in fetch\n    return rows["x"]\n',
        '  File "/lib/json.py", line 3, in loads\n    raise\n',
    ]
    raised = Recorded("KeyError", "KeyError: 'x'\n", stack)
    said = "KeyError: 'x' (src/dataflow/workflows/till/ingestion.py:7)"
    assert explain_failure(of_step(raised), project) == said
    assert explain_failure(raised, project) == said
    assert explain_failure(Recorded("KeyError", "KeyError: 'x'\n"), project) == "KeyError: 'x'"
    assert explain_failure(of_step(None), project).endswith("in the op")
    before_its_steps = Recorded("DagsterResourceFunctionError", "of till", cause=raised)
    assert explain_failure(before_its_steps, project) == said
    wrapped = Recorded("ValueError", "ValueError: wrapped", cause=raised)
    assert explain_failure(wrapped, project) == "ValueError: wrapped"


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("dataflow.shared.errors.BadInputError: No key: a", "No key: a"),
        ("OSError: [Errno 28] x", "OSError: [Errno 28] x\nFree disk space and run again."),
        ("OSError: [Errno 13] x", "OSError: [Errno 13] x\nMake that folder writable"),
        ("MemoryError", "MemoryError\nA step's rows have to fit into memory"),
    ],
)
def test_what_a_person_can_do_is_said(project: Project, message: str, said: str) -> None:
    """The library's errors say it themselves; of the system's the remedy is added, no place."""
    stack = [f'  File "{project.source_dir}/a.py", line 1, in f\n']
    explained = explain_failure(of_step(Recorded("Error", message, stack)), project)
    assert explained.startswith(said)
    assert "a.py" not in explained


def test_who_stopped_a_run_is_told_no_failure(project: Project) -> None:
    """Also where an op was at work, or DuckDB in it."""
    stopped = Recorded("DagsterExecutionInterruptedError", "stopped")
    in_duckdb = Recorded("RuntimeError", "RuntimeError: Query interrupted\n")
    for error in (stopped, of_step(stopped), of_step(in_duckdb)):
        assert is_interruption(error)
        assert explain_failure(error, project) == "Stopped by Ctrl-C or a signal."
    assert not is_interruption(of_step(Recorded("KeyError", "x")))
    assert not is_interruption(of_step(None))


def test_a_traceback_has_its_causes() -> None:
    """The one that was raised first is last."""
    first = Recorded("A", "A: one", ["line 1\n", "line 2\n"])
    text = full_stack(Recorded("B", "B: two", ["line 3\n"], first))
    assert text.splitlines() == [
        *("B: two", "Stack Trace:", "line 3", "", "The above exception was caused by:"),
        *("A: one", "Stack Trace:", "line 1", "line 2"),
    ]


def test_the_librarys_errors_have_a_code_and_others_none() -> None:
    """`dataflow explain` has a page for each of the first; an author's own is its author's."""
    raised = Recorded(
        "ContractError", "dataflow.sources.errors.ContractError: No column a.\nAdd it."
    )
    assert code_of_failure(of_step(raised)) == "contract"
    assert code_of_failure(raised) == "contract"
    own = "dataflow.workflows.till.ingestion.TillClosedError: closed"
    assert code_of_failure(of_step(Recorded("TillClosedError", own))) == ""
    assert code_of_failure(Recorded("KeyError", "KeyError: 'x'\n")) == ""
