"""What is said of each kind of error, offline."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import pty
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.conftest import BIN, Dataflow

from dataflow.cli.error_catalogue import ErrorCatalogue
from dataflow.shared.errors import DataflowError, MissingDependencyError, code_of, code_of_class


def kinds(above: type[DataflowError]) -> Iterator[type[DataflowError]]:
    for kind in above.__subclasses__():
        if kind.__module__.startswith(("dataflow.", "dataflow_tools.")):
            yield kind
            yield from kinds(kind)


def import_all(package: str) -> None:
    for found in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
        if not found.name.endswith("__main__"):
            with suppress(ImportError):
                importlib.import_module(found.name)


def at_terminal(*command: str, cwd: Path) -> str:
    """What a command shows whose standard error is a terminal."""
    shown, written = pty.openpty()
    subprocess.run(
        command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=written
    )
    os.close(written)
    seen = b""
    with suppress(OSError):
        while part := os.read(shown, 4096):
            seen += part
    os.close(shown)
    return seen.decode()


@pytest.mark.slow
def test_the_source_text_says_what_the_classes_say() -> None:
    """Each class has an entry, with its own codes, and no two share a name."""
    for package in ("dataflow.shared", "dataflow.sources", "dataflow.runs", "dataflow_tools"):
        import_all(package)
    entries = {entry.name: entry for entry in ErrorCatalogue().entries.values()}
    found = {kind.__name__: kind for kind in kinds(DataflowError)}
    assert len(found) > 60
    for name, kind in found.items():
        said = (entries[name].exit_code, entries[name].http_status)
        assert said == (kind.exit_code, kind.http_status), name
        assert entries[name].code == code_of_class(f"{kind.__module__}.{name}")
    names = [kind.__module__ for kind in kinds(DataflowError) if kind.__name__ in found]
    assert len(names) == len(found)


@pytest.mark.slow
def test_every_entry_is_for_a_reader() -> None:
    """Each has a sentence; those with a reason say what to do as well, and show messages."""
    entries = ErrorCatalogue().with_messages()
    explained = [entry for entry in entries if entry.details]
    assert len(explained) > 40
    for entry in entries:
        assert entry.meaning.endswith("."), entry.name
        heads = [part.partition(":")[0] for part in entry.details]
        assert ("Why" in heads) == ("What to do" in heads), entry.name
        assert not any(part.startswith(("Args", "Attributes")) for part in entry.details)
    assert sum(bool(entry.messages) for entry in entries) > 90


@pytest.mark.slow
def test_an_error_is_explained(dataflow: Dataflow, tmp_path: Path) -> None:
    """By its code or its class, as text and as JSON; a slip is answered with what was meant."""
    told = dataflow("explain", "contract", cwd=tmp_path)
    assert "Why: `ingestion.columns`" in told.stdout
    assert "Exit code 1; the REST API answers 500." in told.stdout
    known = json.loads(dataflow("explain", "ContractError", "--json", cwd=tmp_path).stdout)
    assert known["code"] == "contract"
    assert any("is not as its contract says" in each["reason"] for each in known["messages"])
    wrong = dataflow("explain", "contrct", cwd=tmp_path)
    assert wrong.returncode == 2
    assert "Did you mean `contract`?" in wrong.stderr
    listed = dataflow("explain", cwd=tmp_path).stdout.splitlines()
    assert any(line.startswith("workflow-busy ") for line in listed)


def test_a_message_says_at_a_terminal_where_there_is_more(tmp_path: Path) -> None:
    """In one line, the last; nothing is added for programs."""
    command = (str(BIN / "dataflow"), "workflow", "list")
    seen = at_terminal(*command, cwd=tmp_path)
    assert seen.endswith("\r\nMore: dataflow explain project-not-found\r\n")
    plain = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert plain.returncode == 2
    assert "explain" not in plain.stderr
    assert seen.replace("\r\n", "\n").startswith(plain.stderr)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("dataflow.runs.lock.WorkflowBusyError", "workflow-busy"),
        ("dataflow_tools.fleet.versions.TemplateError", "template"),
        ("dataflow.workflows.registry.WorkflowNotFoundError", "workflow-not-found"),
        ("dataflow.workflows.orders.ingestion.TillClosedError", ""),
        ("ValueError", ""),
        ("my_plugin.OracleError", ""),
    ],
)
def test_only_errors_of_the_library_have_a_code(name: str, code: str) -> None:
    """An author's or a plug-in's own has no page here."""
    assert code_of_class(name) == code


def test_an_error_knows_its_code() -> None:
    """Also that of a class of somebody else's, which has none."""

    class OwnError(DataflowError):
        """Not of the library."""

    assert code_of(MissingDependencyError("a", "b")) == "missing-dependency"
    assert code_of(OwnError("a", "b")) == ""
