"""Every kind of source answers in one shape, or names what it lacks."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from dataflow.shared.errors import DataflowError, MissingDependencyError
from dataflow.shared.lazy_rows import LazyRows
from dataflow.sources.errors import SourceSettingError
from dataflow.sources.read import read_source

if TYPE_CHECKING:
    from pathlib import Path


def test_answer_has_data_and_metadata(project: Path) -> None:
    """Arrow rows, where they are from, how many, and since when."""
    (project / "a.csv").write_text("a\n1\n2\n", encoding="utf-8")
    before = datetime.now(UTC)
    result = read_source({"type": "file", "url": "a.csv"}, {"batch_size": 10})
    assert isinstance(result["data"], LazyRows)
    assert before <= datetime.fromisoformat(result["metadata"].pop("timestamp"))
    assert result["metadata"] == {"source": "a.csv", "record_count": 2}


def test_last_value_may_come_with_the_parameters(server: Any, say: Any) -> None:
    """`extract_data(params)` hands `last_value` on among the parameters."""
    url = server.answer("/x", say('[{"id": 3}]'))
    source = {
        "type": "api",
        "url": url,
        "paging": {"type": "none"},
        "incremental": {"cursor_field": "id", "param": "after"},
    }
    result = read_source(source, {"last_value": {"value": 2, "seen": []}})
    assert server.requests[0].query["after"] == "2"
    assert json.loads(json.dumps(result["metadata"]["last_value"]))["value"] == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "text"),
    [("a.csv", "a,b\n1,2024-01-02\n"), ("a.json", '[{"a": 1, "b": "2024-01-02"}]')],
)
def test_a_small_file_is_typed_without_pandas(project: Path, name: str, text: str) -> None:
    """Its import takes longer than the file; pyarrow does it unasked when it makes an array."""
    (project / name).write_text(text, encoding="utf-8")
    code = (
        "import sys; from pathlib import Path\n"
        "from dataflow.shared.tables import write_parquet\n"
        "from dataflow.sources.read import read_source\n"
        "rows = read_source({'type': 'file', 'url': sys.argv[1]}, {})['data']\n"
        "write_parquet(rows, Path('rows.parquet'))\n"
        "print(rows.schema.field('b').type, 'pandas' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, name], cwd=project, capture_output=True, text=True
    )
    assert done.stdout == "date32[day] False\n", done.stderr


@pytest.mark.parametrize("kind", [None, "ftp"])
def test_unknown_type_is_refused(kind: str | None) -> None:
    """The types that there are are named."""
    with pytest.raises(SourceSettingError) as caught:
        read_source({"type": kind, "url": "x"}, {})
    assert "api, database, file" in caught.value.instruction


@pytest.mark.parametrize(
    ("missing", "module", "source", "extra"),
    [
        (
            "requests",
            "dataflow.sources.api.exchange",
            {"type": "api", "url": "http://x"},
            "http",
        ),
        ("python_calamine", None, {"type": "file", "url": "a.xlsx"}, "excel"),
        (
            "psycopg",
            None,
            {"type": "database", "url": "postgresql://h/d", "table": "t"},
            "database",
        ),
    ],
)
def test_missing_library_names_the_extra(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    missing: str,
    module: Any,
    source: Any,
    extra: str,
) -> None:
    """A source whose library is not installed says what to install."""
    (project / "a.xlsx").write_bytes(b"x")
    if module:
        monkeypatch.delitem(sys.modules, module, raising=False)
        monkeypatch.delitem(sys.modules, "dataflow.sources.api.credentials", raising=False)
        monkeypatch.delitem(sys.modules, "dataflow.sources.api.paced_transport", raising=False)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingDependencyError) as caught:
        read_source(source, {"max_retries": 0})
    assert f"dataflow-runtime[{extra}]" in caught.value.instruction


@pytest.mark.slow
def test_reading_a_file_imports_no_heavy_library(project: Path) -> None:
    """A CSV file needs neither pandas nor SQLAlchemy."""
    import subprocess

    (project / "a.csv").write_text("a\n1\n", encoding="utf-8")
    code = (
        "import sys; from dataflow.sources.read import read_source\n"
        "read_source({'type': 'file', 'url': 'a.csv'}, {})\n"
        "print([m for m in ('pandas', 'sqlalchemy', 'requests') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


SEVERAL = {
    "sources": {
        "people": {"source": {"type": "file", "url": "people.csv"}, "columns": {"id": "text"}},
        "orders": {"source": {"type": "file", "url": "orders.csv"}, "load": {"table": "sold"}},
    },
    "parameters": {"batch_size": 10},
}


def test_one_of_several_sources_is_read_by_its_name(project: Path) -> None:
    """By its own contract, and with the table that it is for."""
    (project / "people.csv").write_text("id\n007\n", encoding="utf-8")
    (project / "orders.csv").write_text("nr\n1\n", encoding="utf-8")
    people = read_source(SEVERAL, {"source": "people"})
    orders = read_source(SEVERAL, {"source": "orders"})
    assert (people["data"].to_pylist(), people["metadata"]["table"]) == ([{"id": "007"}], "people")
    assert (orders["data"].to_pylist(), orders["metadata"]["table"]) == ([{"nr": 1}], "sold")


def test_notes_on_one_of_several_sources_name_its_keys(project: Path) -> None:
    """A new column is described below the name of its source."""
    (project / "people.csv").write_text("id,age\n007,49\n", encoding="utf-8")
    (note,) = read_source(SEVERAL, {"source": "people"})["metadata"]["notes"]
    assert "Describe it in `ingestion.sources.people.columns`: `dataflow workflow inspect" in note


def test_which_of_several_sources_is_meant_has_to_be_said() -> None:
    """Without a name there is none; a misspelt one is nearly one."""
    with pytest.raises(SourceSettingError, match="several sources: people, orders"):
        read_source(SEVERAL, {})
    with pytest.raises(SourceSettingError) as caught:
        read_source(SEVERAL, {"source": "order"})
    assert "Did you mean `orders`?" in caught.value.instruction


def test_faults_of_one_of_several_sources_name_it(project: Path) -> None:
    """The reason begins with its name, and the keys to put right are those below it."""
    (project / "people.csv").write_text("nr\n007\n", encoding="utf-8")
    with pytest.raises(DataflowError) as caught:
        read_source(SEVERAL, {"source": "people"})
    assert caught.value.reason.startswith("Source people: people.csv no longer has 'id'")
    assert "`ingestion.sources.people.columns`" in caught.value.instruction
