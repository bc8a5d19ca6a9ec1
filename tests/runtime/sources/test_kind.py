"""Kinds of sources are found by their entry points, built-in ones like any other."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from tests.plugin_fixtures import install_plugin

from dataflow.shared.plugins import PluginError
from dataflow.sources.errors import SourceSettingError
from dataflow.sources.kind import Extracted, kind_names, shown_location, source_kind
from dataflow.sources.read import read_source

if TYPE_CHECKING:
    from pathlib import Path

    from tests.plugin_fixtures import InstallPlugin

__all__ = ["install_plugin"]

ENTRY_POINTS = """
absent = there_is_no_such_module:KIND
wrong = shelf:WRONG
untyped = shelf:UNTYPED
misnamed = shelf:KIND
shelf = shelf:KIND
file = shelf:KIND
"""
MODULE = """
from typing import Literal
from dataflow.shared.config_types import Section
from dataflow.sources.kind import Extracted, SourceKind

class ShelfSource(Section):
    type: Literal["shelf"]
    rows: int = 1

WRONG = "not a kind"
UNTYPED = SourceKind(int, print)
KIND = SourceKind(
    ShelfSource,
    lambda settings, request: Extracted(
        [{"n": n} for n in range(settings.rows)], f"shelf of {request.parameters.batch_size}"
    ),
)
"""


@pytest.fixture
def plugins(install_plugin: InstallPlugin) -> None:
    """A distribution with a good kind, broken ones, and one that claims a built-in name."""
    install_plugin("shelf", MODULE, sources=ENTRY_POINTS)


def test_a_foreign_kind_is_read(plugins: None) -> None:
    """Its settings are checked by its model, and it is told the parameters."""
    result = read_source({"type": "shelf", "rows": 2}, {"batch_size": 7, "own": "ignored"})
    assert result["data"] == [{"n": 0}, {"n": 1}]
    assert result["metadata"]["source"] == "shelf of 7"
    assert result["metadata"]["record_count"] == 2
    with pytest.raises(SourceSettingError, match=r"source\.rosw: is not a known key.*`rows`"):
        read_source({"type": "shelf", "rosw": 2}, {})


@pytest.mark.parametrize("name", ["absent", "wrong", "untyped", "misnamed"])
def test_a_broken_kind_is_named_and_harms_no_other(plugins: None, name: str) -> None:
    """The distribution to fix or remove is in the error; the other kinds go on."""
    with pytest.raises(PluginError, match=f"{name}.*of shelf") as caught:
        source_kind(name)
    assert re.search(
        r"shelf:(WRONG|UNTYPED|KIND)|there_is_no_such_module:KIND", caught.value.instruction
    )
    assert source_kind("shelf").settings.__name__ == "ShelfSource"


def test_a_built_in_name_stays_built_in(plugins: None, project: Path) -> None:
    """No distribution takes the place of a kind that comes with the library."""
    (project / "a.csv").write_text("a\n1\n", encoding="utf-8")
    assert read_source({"type": "file", "url": "a.csv"}, {})["data"].to_pylist() == [{"a": 1}]
    assert kind_names()[:3] == ["api", "database", "file"]


@pytest.mark.slow
def test_importing_a_kind_loads_no_library_that_reads() -> None:
    """Validating a configuration costs neither DuckDB nor requests, SQLAlchemy or Arrow."""
    code = (
        "import sys; from dataflow.sources.kind import kind_names, source_kind\n"
        "kinds = [source_kind(name) for name in kind_names()]; assert len(kinds) >= 3\n"
        "heavy = ('duckdb', 'sqlalchemy', 'pyarrow', 'pandas', 'requests', 'tenacity')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("model", "source"),
    [
        ("file", {"type": "file", "url": "a.csv"}),
        ("api", {"type": "api", "url": "http://x", "paging": {"type": "offset"}}),
        ("api", {"type": "api", "url": "http://x", "auth_type": "api_key", "api_key": "k3y-abc"}),
        ("database", {"type": "database", "url": "a.db", "table": "t"}),
    ],
)
def test_settings_come_back_from_a_plain_dict(model: str, source: dict[str, Any]) -> None:
    """`load_config` hands authors every default, null or not, and `read_source` takes it back."""
    from dataflow.sources.validation import checked_settings

    settings = source_kind(model).settings
    made = settings.model_validate(source)
    assert checked_settings(settings, made.model_dump(by_alias=True)) == made
    assert checked_settings(settings, made) is made


def test_an_own_reader_reads_what_no_kind_does(project: Path) -> None:
    """It gets plain source and parameters, and answers with rows or with all there is."""
    seen: list[tuple[dict[str, Any], dict[str, Any]]] = []

    def read_rows(source: dict[str, Any], parameters: dict[str, Any]) -> Any:
        seen.append((source, parameters))
        return [{"a": 1}]

    def read_more(source: dict[str, Any], parameters: dict[str, Any]) -> Extracted:
        return Extracted([], "the drawer", ["told"], last_value=parameters["last_value"] + 1)

    readers = {"pile": read_rows, "drawer": read_more, "file": read_rows}
    source = {"type": "pile", "url": "https://me:s3cretpw@x/?q=1", "depth": 3}
    result = read_source(source, {"max_retries": 1, "own": "x"}, own_readers=readers)
    assert (result["data"], result["metadata"]["record_count"]) == ([{"a": 1}], 1)
    assert result["metadata"]["source"] == "https://***@x/"
    assert seen == [(source, {"max_retries": 1, "own": "x", "last_value": None})]
    more = read_source({"type": "drawer"}, {"last_value": 4}, own_readers=readers)["metadata"]
    assert (more["source"], more["notes"], more["last_value"]) == ("the drawer", ["told"], 5)
    with pytest.raises(SourceSettingError, match="pile, drawer"):
        read_source({"type": "heap"}, {}, own_readers=readers)
    stream = pa.table({"a": [1, 2, 3]}).to_reader()
    streamed = read_source({"type": "flow"}, {}, own_readers={"flow": lambda *_: stream})
    assert streamed["metadata"]["record_count"] == streamed["data"].num_rows == 3
    # The installed kind goes first.
    (project / "a.csv").write_text("a\n2\n", encoding="utf-8")
    assert read_source({"type": "file", "url": "a.csv"}, {}, None, readers)["data"].num_rows == 1
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"batch_size": 0}, r"ingestion\.parameters\.batch_size: 0 is out of range"),
        ({"max_retries": "3"}, r"max_retries: \"3\" is not a whole number"),
    ],
)
def test_parameters_are_checked(parameters: dict[str, Any], said: str) -> None:
    """A value that does not fit is refused with its place before anything is read."""
    with pytest.raises(SourceSettingError, match=said):
        read_source({"type": "file", "url": "a.csv"}, parameters)


def test_no_message_repeats_a_long_value_or_a_secret() -> None:
    """What is refused is shown cut, and secrets not at all."""
    with pytest.raises(SourceSettingError) as caught:
        read_source({"type": "file", "url": "ftp://" + "x" * 500, "format": 5}, {})
    assert len(caught.value.reason) < 400
    source = {"type": "api", "url": "http://x", "auth_type": "basic", "password": 12345678}
    with pytest.raises(SourceSettingError) as caught:
        read_source(source, {})
    assert "12345678" not in str(caught.value)


def test_a_location_is_shown_without_what_is_secret() -> None:
    """User, password and query are left out; a database's table is named."""
    assert shown_location("https://me:secret@h/a.csv?key=x") == "https://***@h/a.csv"
    assert shown_location("a.duckdb", "orders") == "a.duckdb (orders)"
