"""What a person says of a file holds, and what it would lose is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from pyarrow import feather, orc

from dataflow.sources.errors import ContractError, SourceDataError, SourceSettingError
from dataflow.sources.read import read_source

if TYPE_CHECKING:
    from pathlib import Path


def rows(read: Any, text: str, **settings: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read("a.csv", text, **settings)["data"].to_pylist()
    return found


def test_everything_around_the_rows_is_said_by_hand(read: Any) -> None:
    """Lines above, names in two lines, units, comments, repeated headers, a footer."""
    text = "made by x\n\n,2024\nid,Q1\n,kg\n1,5\n# note\nid,Q1\n2,6\n3,7\n,18\nSource: y\n"
    settings = {
        "skip_lines": 2,
        "header_rows": 2,
        "units_row": True,
        "comment": "#",
        "repeated_headers": "skip",
        "footer_lines": 2,
    }
    found = rows(read, text, **settings)
    assert found == [{"id": n, "2024 Q1": n + 4} for n in (1, 2, 3)]


def test_names_are_given_where_there_are_none(read: Any) -> None:
    """Without a header the columns have the given names, or their numbers."""
    assert rows(read, "1,a\n2,b\n", header=False, names=["id", "v"])[0] == {"id": 1, "v": "a"}
    assert rows(read, "1,a\n2,b\n", header=False)[1] == {"column_1": 2, "column_2": "b"}


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("r,n\nA,1\nB,2\nC,4\n", {"footer_lines": 1}),
        ("t,v\n1,2\n3,4\n", {"units_row": True}),
        ("a,b\n1,2\n3\n", {"short_rows": "fail"}),
        ("a,b\n1,2\n3,4,5\n", {"short_rows": "fill"}),
        ("a,b\n1,2\n3,4\n", {"header": False, "names": ["only"]}),
    ],
)
def test_no_row_is_lost_to_a_setting(read: Any, text: str, settings: dict[str, Any]) -> None:
    """A setting that would leave out a row or a value stops the run and names it."""
    with pytest.raises(SourceDataError):
        rows(read, text, **settings)


def test_a_footer_may_be_called_anything_if_it_adds_up(read: Any) -> None:
    """The sum of the column above is a total in every language."""
    found = rows(read, "r,n\nA,1\nB,2\nC,4\nKokku,7\n", footer_lines=1)
    assert [row["r"] for row in found] == ["A", "B", "C"]


def test_null_values_by_column(read: Any) -> None:
    """A text is null in the columns that it is said of; a column that is not there is told."""
    result = read("a.csv", "iso,v\nNA,1\nDE,NA\n", null_values={"V": ["", "NA"], "x": ["?"]})
    assert result["data"].to_pydict() == {"iso": ["NA", "DE"], "v": [1, None]}
    assert "names a column 'x'" in result["metadata"]["notes"][0]


def test_null_values_by_column_in_json(read: Any) -> None:
    """The same holds for texts in JSON."""
    text = '[{"iso": "NA", "v": "x"}, {"iso": "DE", "v": "NA"}]'
    found = read("a.json", text, null_values={"v": ["NA"]})["data"].to_pydict()
    assert found == {"iso": ["NA", "DE"], "v": ["x", None]}


def test_files_of_different_shape_are_no_union(project: Path) -> None:
    """A folder of several tables is refused with its groups, but for who says that it is one."""
    (project / "customers.csv").write_text("id,name\n1,Ann\n", encoding="utf-8")
    (project / "orders.csv").write_text("id,customer,amount\n1,1,5\n", encoding="utf-8")
    with pytest.raises(SourceSettingError) as caught:
        read_source({"type": "file", "url": "*.csv"}, {})
    assert "customers.csv (id, name); orders.csv (id, customer, amount)" in caught.value.reason
    whole = read_source({"type": "file", "url": "*.csv", "union_by_name": True}, {})
    assert whole["metadata"]["record_count"] == 2


def test_one_file_of_a_series_that_has_lost_a_column_is_refused(project: Path) -> None:
    """Its rows would have null, though nobody said that the column may be gone."""
    (project / "a1.csv").write_text("id,v\n1,5\n", encoding="utf-8")
    (project / "a2.csv").write_text("id,Wert\n2,6\n", encoding="utf-8")
    columns: dict[str, dict[str, Any]] = {"id": {"type": "bigint"}, "v": {"type": "bigint"}}
    ingestion = {"source": {"type": "file", "url": "a*.csv"}, "columns": columns}
    with pytest.raises(ContractError, match=r"a2.csv has no 'v', .* it has 'id', 'Wert'"):
        read_source(ingestion, {})
    columns["v"]["optional"] = True
    assert [row["v"] for row in read_source(ingestion, {})["data"]] == [5, None]


def test_files_of_a_series_that_spell_a_column_in_several_ways(project: Path) -> None:
    """As everywhere, case does not count: no row loses its value."""
    feather.write_feather(pa.table({"id": [1], "v": [5]}), str(project / "a1.feather"))
    feather.write_feather(pa.table({"V": [6], "ID": [2]}), str(project / "a2.feather"))
    found = read_source({"type": "file", "url": "a*.feather"}, {})["data"]
    assert found.to_pylist() == [{"id": 1, "v": 5}, {"id": 2, "v": 6}]


@pytest.mark.parametrize("name", ["a.orc", "a.feather", "a.arrow"])
def test_orc_and_feather(project: Path, name: str) -> None:
    """ORC, Feather and Arrow's stream are read with their types."""
    table = pa.table({"id": [1, 2], "day": pa.array([1, None], pa.date32()), "t": ["x", "y"]})
    if name.endswith("orc"):
        orc.write_table(table, str(project / name))
    elif name.endswith("feather"):
        feather.write_feather(table, str(project / name))
    else:
        with pa.ipc.new_stream(str(project / name), table.schema) as stream:
            stream.write_table(table)
    assert read_source({"type": "file", "url": name}, {})["data"].equals(table)


@pytest.mark.parametrize("name", ["a.orc", "a.feather"])
def test_what_is_no_such_file_is_refused(read: Any, name: str) -> None:
    """Another file of that name is an error that names it."""
    with pytest.raises(SourceDataError, match=name):
        read(name, "id,v\n1,2\n")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"delimiter": "|||||"}, "is not one character"),
        ({"decimal": ",", "thousands": ","}, "is also the decimal mark"),
        ({"names": ["a"]}, "is of no use without"),
        ({"format": "parquet", "skip_lines": 1}, "is of no use with `format: parquet`"),
        ({"null_values": {"a": "NA"}}, "is neither a list of texts nor"),
        ({"date_format": "dd.mm.yyyy"}, "is no layout of a date"),
    ],
)
def test_settings_that_cannot_be_are_refused(read: Any, settings: Any, said: str) -> None:
    """What makes no sense is refused before a file is read."""
    with pytest.raises(SourceSettingError) as caught:
        read("a.csv", "a\n1\n", **settings)
    assert said in caught.value.reason
