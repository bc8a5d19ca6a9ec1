"""The examples in docstrings run, and half of the functions that others may call have one."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType

import pytest
from tests.conftest import REPOSITORY

import dataflow.shared
from dataflow import authoring
from dataflow.workflows import identifiers, registry

JOB = """\
from dagster import job, op
from dataflow.workflows.registry import register_workflow
@op
def fetch() -> None: ...
@job
def sales_job() -> None:
    fetch()
register_workflow("sales", job=sales_job)
"""
WITH_EXAMPLES = sorted(
    ".".join(path.relative_to(REPOSITORY / "runtime").with_suffix("").parts)
    for path in (REPOSITORY / "runtime" / "dataflow").rglob("*.py")
    if ">>> " in path.read_text()
)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The project in whose folder the examples are typed."""
    folder = tmp_path / "src" / "dataflow" / "workflows" / "sales"
    folder.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("[tool.dataflow]\n")
    (folder / "config.yaml").write_text(
        'workflow: {name: "Sales"}\n'
        'ingestion: {source: {type: file, url: "data/in/sales.csv"}}\n'
        "load: {table: sales}\n"
    )
    (folder / "dagster_job.py").write_text(JOB)
    (tmp_path / "data" / "in").mkdir(parents=True)
    (tmp_path / "data" / "in" / "sales.csv").write_text("id,amount\n1,2.5\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_registered", {})
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("dataflow.workflows.sales")]:
        del sys.modules[name]


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_the_examples_of_a_module_run(module: str, project: Path) -> None:
    """What stands in a docstring is what comes out."""
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    failed, tried = doctest.testmod(importlib.import_module(module), optionflags=flags)
    assert tried > 0
    assert failed == 0


def functions() -> Iterator[FunctionType]:
    """What authors may call, and what the core offers to the rest."""
    core = [
        importlib.import_module(f"dataflow.shared.{module.name}")
        for module in pkgutil.iter_modules(dataflow.shared.__path__)
    ]
    for name in authoring.__all__:
        if inspect.isfunction(function := getattr(authoring, name)):
            yield function
    for module in (*core, identifiers, registry):
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ == module.__name__ and not name.startswith("_"):
                yield function


def test_half_of_the_functions_have_an_example() -> None:
    """Whoever calls one can copy a line."""
    known = {f"{function.__module__}.{function.__name__}": function for function in functions()}
    without = [name for name, function in known.items() if ">>> " not in (function.__doc__ or "")]
    assert len(without) <= len(known) / 2, without
