"""Looking at data finds what is so, suggests what is likely, and says what it does not know."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.plugin_fixtures import install_plugin
from tests.tools.inspection.small_tables import AMOUNTS, DAYS, SALES, SHOPS, N, csv_of

from dataflow.sources.errors import SourceDataError
from dataflow.sources.read import read_source
from dataflow_tools.inspection.source_inspection import inspect_source

if TYPE_CHECKING:
    from tests.plugin_fixtures import InstallPlugin

__all__ = ["install_plugin"]


@pytest.mark.slow
def test_answers_say_what_the_data_shows(look: Any) -> None:
    """Key, date, category and measure are found; tests and accepted values fit the data."""
    answers = look(SALES).answers()
    assert json.loads(json.dumps(answers)) == {
        "source_type": "file",
        "source_url": "a.csv",
        "null_values": [""],
        "primary_key": ["Sale ID"],
        "confirmed": [],
        "columns": [
            {
                "name": "Sale ID",
                "identifier": "sale_id",
                "type": "BIGINT",
                "role": "key",
                "tests": ["unique", "not_null"],
                "contract": {"type": "bigint"},
            },
            {
                "name": "day",
                "identifier": "day",
                "type": "DATE",
                "role": "date",
                "tests": ["not_null"],
                "contract": {"type": "date"},
            },
            {
                "name": "Shop",
                "identifier": "shop",
                "type": "VARCHAR",
                "role": "category",
                "tests": ["not_null", "accepted_values"],
                "accepted_values": ["north", "south", "west"],
                "contract": {"type": "text"},
            },
            {
                "name": "Amount",
                "identifier": "amount",
                "type": "DOUBLE",
                "role": "measure",
                "tests": ["not_null"],
                "aggregate": "sum",
                "contract": {"type": "double"},
            },
            {
                "name": "zip",
                "identifier": "zip",
                "type": "BIGINT",
                "role": "code",
                "tests": ["not_null"],
                "contract": {"type": "bigint"},
            },
        ],
    }


@pytest.mark.slow
def test_summary_is_one_line(look: Any) -> None:
    """The summary names what matters."""
    assert look(SALES).summary() == (
        "60 rows, 5 columns; key: Sale ID; date: day; measures: Amount; categories: Shop"
    )


# Keys


@pytest.mark.slow
@pytest.mark.parametrize(
    ("columns", "key"),
    [
        ([("id", range(N)), ("day", DAYS)], ["id"]),
        ([("day", DAYS), ("id", range(N))], ["id"]),
        ([("shop_id", range(N)), ("id", range(N))], ["id"]),
        ([("day", DAYS), ("amount", AMOUNTS)], ["day"]),
        ([("amount", AMOUNTS), ("v", AMOUNTS)], []),
        ([("name", [f"n{i}" for i in range(N)]), ("v", AMOUNTS)], []),
        ([("iata", [f"n{i}" for i in range(N)]), ("v", AMOUNTS)], ["iata"]),
        ([("day", sorted(DAYS[: N // 3] * 3)), ("shop", SHOPS), ("v", AMOUNTS)], ["day", "shop"]),
        ([("id", [*range(N - 1), ""]), ("v", AMOUNTS)], []),
        ([("count", range(5, 5 + N)), ("total", range(N))], ["count"]),
        ([("v", AMOUNTS), ("total", range(N))], []),
    ],
)
def test_key_is_proven_and_plausible(look: Any, columns: Any, key: list[str]) -> None:
    """Only what is different in every row is a key, and only if it looks like one."""
    inspection = look(csv_of(*[(name, list(values)) for name, values in columns]))
    assert list(inspection.primary_key) == key
    assert any(
        re.search("differs? in all 60 rows" if key else "no primary key", note)
        for note in inspection.notes
    )


@pytest.mark.slow
def test_key_is_sought_among_different_rows(look: Any) -> None:
    """Rows that the cleaning stage drops do not spoil a key, and are told."""
    inspection = look(SALES + SALES.splitlines()[1] + "\n")
    assert inspection.primary_key == ("Sale ID",)
    assert inspection.summary().startswith("61 rows")
    assert any("1 row is the same as another" in note for note in inspection.notes)


# Null markers


@pytest.mark.slow
def test_null_markers_are_found_and_numbers_become_numbers(look: Any) -> None:
    """`NA` among numbers is no value; where it occurs in other texts is told."""
    inspection = look(
        csv_of(
            ("day", DAYS),
            ("delay", ["NA", *range(N - 1)]),
            ("temp", [*AMOUNTS[:-1], "n/a"]),
            ("country", ["NA", "DE"] * (N // 2)),
        )
    )
    types = {column.profile.name: column.profile.type for column in inspection.columns}
    assert types == {"day": "DATE", "delay": "BIGINT", "temp": "DOUBLE", "country": "VARCHAR"}
    nulls = ["", "NA", "n/a"]
    assert inspection.source["null_values"] == {"delay": nulls, "temp": nulls, "day": nulls}
    assert any("'country' has one of these texts in 30 rows" in n for n in inspection.notes)
    read = read_source(inspection.source, {})["data"].to_pydict()
    assert read["country"].count("NA") == N // 2
    assert "not_null" not in inspection.columns[1].tests


def test_nan_is_no_value_in_json_either(look: Any, project: Path) -> None:
    """NaN among numbers is read as null, also when the workflow reads the file."""
    inspection = look('[{"id": 1, "v": NaN}, {"id": 2, "v": 1.5}]', "a.json")
    assert inspection.columns[1].tests == ()
    assert read_source(inspection.source, {})["data"].to_pydict()["v"] == [None, 1.5]


@pytest.mark.slow
def test_a_name_with_a_number_is_no_month(look: Any) -> None:
    """`Product 07` is left alone; `Jan 24` and `März 2024` are told as months."""
    for word, told in (("Product", False), ("March", True), ("März", True), ("Janvier", True)):
        inspection = look(csv_of(("when", [f"{word} {10 + i % 30}" for i in range(N)])))
        assert any("looks like months" in note for note in inspection.notes) == told, word


@pytest.mark.slow
def test_text_is_not_taken_for_a_marker(look: Any) -> None:
    """A column with other texts, or with nothing but markers, stays as it is."""
    inspection = look(csv_of(("a", ["NA", "x"] * 5), ("b", ["NA"] * 10), ("c", ["-", "5 kg"] * 5)))
    assert inspection.source["null_values"] == [""]


# What a file does not say


@pytest.mark.slow
def test_other_encodings_are_suggested_and_told(look: Any, project: Path) -> None:
    """Text that is not UTF-8 is read as what Western programs write, and the workflow keeps it."""
    (project / "a.csv").write_bytes("id,stadt\n1,Köln\n2,Zürich\n".encode("latin-1"))
    inspection = inspect_source({"type": "file", "url": "a.csv"})
    assert inspection.answers()["source_settings"] == {"encoding": "cp1252"}
    assert any("not UTF-8" in note for note in inspection.notes)
    assert read_source(inspection.source, {})["data"].to_pydict()["stadt"] == ["Köln", "Zürich"]


@pytest.mark.slow
def test_other_sheets_are_told(project: Path) -> None:
    """The first sheet is read, and what else there is is said."""
    with pd.ExcelWriter(project / "a.xlsx") as writer:
        for name in ("About", "Orders"):
            pd.DataFrame({"id": [1, 2]}).to_excel(writer, sheet_name=name, index=False)
    inspection = inspect_source({"type": "file", "url": "a.xlsx"})
    assert inspection.answers()["source_settings"] == {"sheet": "About"}
    assert any("'Orders'" in note for note in inspection.notes)


@pytest.mark.slow
def test_rows_are_found_in_an_object(look: Any) -> None:
    """The one list of objects in a JSON file is its rows; of several none is taken."""
    rows = [{"id": number} for number in range(5)]
    inspection = look(json.dumps({"meta": {"n": 5}, "result": {"rows": rows}}), "a.json")
    assert inspection.answers()["source_settings"] == {"data_path": "result.rows"}
    assert read_source(inspection.source, {})["data"].to_pylist() == rows
    several = look(json.dumps({"a": rows, "b": rows}), "b.json")
    assert several.rows == 1
    assert any("'a' (5), 'b' (5)" in note for note in several.notes)


def test_format_is_told_by_the_content(look: Any) -> None:
    """A name that says nothing is no hindrance where the content is clear."""
    inspection = look("id;v\n1;2\n2;3\n", "export.txt")
    assert inspection.answers()["source_settings"] == {"format": "csv", "delimiter": ";"}
    assert inspection.rows == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "values", "role", "said"),
    [
        ("day", [20240100 + i for i in range(1, 21)], "code", "look like days"),
        ("created", [1704067200 + i for i in range(20)], "code", ""),
        ("year", [f"{2000 + i}.0" for i in range(20)], "code", ""),
        ("price", [f"${i}.50" for i in range(20)], "text", "amounts of money"),
        ("rate", [f"{i}%" for i in range(20)], "text", "percentages"),
        ("when", [f"{i}-Jan-24" for i in range(10, 30)], "text", "two digits for the year"),
        ("month", [f"{2000 + i}-07" for i in range(20)], "date", "months"),
    ],
)
def test_values_of_another_kind_are_no_measures(
    look: Any, name: str, values: list[Any], role: str, said: str
) -> None:
    """Numbers and texts that stand for something else are left as they are, and told."""
    inspection = look(csv_of((name, values)))
    key = inspection.columns[0].role == "key"
    assert key or inspection.columns[0].role == role
    assert not said or any(said in note for note in inspection.notes)
    assert "measures" not in inspection.summary()


# Names and nesting


@pytest.mark.slow
def test_odd_names_and_nested_values(look: Any) -> None:
    """Spaces, capitals, keywords, unicode, digits and nested JSON get identifiers and types."""
    rows = [
        {"Order": i, "日期": "2020-01-01", "2020": 1.5, "A b": "x", "a_b": "y", "o": {"K": [1]}}
        for i in range(4)
    ]
    inspection = look(json.dumps(rows), "a.json")
    found = {c.profile.name: (c.profile.identifier, c.profile.type) for c in inspection.columns}
    assert found == {
        "Order": ("order_", "BIGINT"),
        "日期": ("column_2", "DATE"),
        "2020": ("col_2020", "DOUBLE"),
        "A b": ("a_b_2", "VARCHAR"),
        "a_b": ("a_b", "VARCHAR"),
        "o": ("o", "JSON"),
    }
    assert any("'o' is nested" in note for note in inspection.notes)
    assert any("'日期' is called column_2" in note for note in inspection.notes)


@pytest.mark.slow
def test_name_of_the_template_is_left_to_it(look: Any) -> None:
    """A source's own `processed_at` gets another identifier, and a note."""
    inspection = look("processed_at,v\n1,2\n")
    assert inspection.columns[0].profile.identifier == "processed_at_"
    assert any("add_timestamps" in note for note in inspection.notes)


header_names = st.lists(
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=12),
    min_size=1,
    max_size=5,
)


@pytest.mark.slow
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(header_names)
def test_any_names_give_a_staging_query_that_runs(look: Any, names: list[str]) -> None:
    """Whatever the columns are called, casting each by name to its identifier runs in DuckDB."""
    rows = [{name: index + row for index, name in enumerate(names)} for row in range(3)]
    inspection = look("\n".join(map(json.dumps, rows)), "a.jsonl")
    parts = [
        f'CAST("{c.profile.name.replace(chr(34), chr(34) * 2)}" AS {c.profile.type}) '
        f"AS {c.profile.identifier}"
        for c in inspection.columns
    ]
    with duckdb.connect() as connection:
        from dataflow.sources.read import read_source

        connection.register("raw", read_source({"type": "file", "url": "a.jsonl"}, {})["data"])
        found = connection.sql(f"SELECT {', '.join(parts)} FROM raw")
        assert found.columns == [c.profile.identifier for c in inspection.columns]
        assert len(found.fetchall()) == 3


def test_values_with_braces_are_not_tested_for(look: Any) -> None:
    """Texts that dbt would run as a template stay out of its tests."""
    inspection = look(csv_of(("day", DAYS), ("c", ["{{ 1 }}", "b"] * (N // 2))))
    assert inspection.columns[1].accepted_values == ()


def test_empty_data(look: Any) -> None:
    """A header without rows is looked at; a file without columns is refused."""
    inspection = look("a,b\n")
    assert inspection.rows == 0
    assert [column.tests for column in inspection.columns] == [(), ()]
    with pytest.raises(SourceDataError, match="no columns"):
        look("[]", "a.json")


def test_database_table_is_looked_at(tmp_path: Path) -> None:
    """A table of a database gives the same answers as a file, and its name."""
    path = tmp_path / "a.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE trips AS "
            "SELECT i AS id, DATE '2020-01-01' + i::INT AS day FROM range(9) t(i)"
        )
    answers = inspect_source({"type": "database", "url": str(path), "table": "trips"}).answers()
    assert answers["source_table"] == "trips"
    assert answers["primary_key"] == ["id"]
    assert [column["type"] for column in answers["columns"]] == ["BIGINT", "DATE"]
    assert "null_values" not in answers


def test_secrets_in_a_location_become_variables(server: Any, say: Any) -> None:
    """What is written down has variables in place of passwords and keys."""
    server.answer("/a.csv", say(SALES))
    url = server.url.replace("//", "//ann:pw-1234@") + "/a.csv?api_key=k-5678&lang=de"
    inspection = inspect_source({"type": "file", "url": url})
    written = json.dumps(inspection.answers()) + " ".join(inspection.notes)
    assert "pw-1234" not in written
    assert "k-5678" not in written
    host = server.url.removeprefix("http://")
    expected = f"http://ann:${{SOURCE_PASSWORD}}@{host}/a.csv?api_key=${{API_KEY}}&lang=de"
    assert inspection.answers()["source_url"] == expected


SHELF = """
from decimal import Decimal
from typing import Literal
from dataflow.shared.config_types import Section
from dataflow.sources.kind import Extracted, SourceKind

class ShelfSource(Section):
    type: Literal["shelf"]
    declared: bool = False

def read(settings, request):
    rows = [{"id": n, "price": Decimal(n) + Decimal("0.00")} for n in range(3)]
    return Extracted(rows, "shelf", declared=settings.declared)

KIND = SourceKind(ShelfSource, read)
"""


@pytest.mark.parametrize(("declared", "agreed"), [(False, "decimal(38,2)"), (True, "decimal(3,2)")])
def test_decimals_of_a_plug_in_have_room(
    install_plugin: InstallPlugin, declared: bool, agreed: str
) -> None:
    """Decimals that are found by their values have room; those that a source declares stay."""
    install_plugin("shelf", SHELF, sources="shelf = shelf:KIND")
    columns = inspect_source({"type": "shelf", "declared": declared}).answers()["columns"]
    assert columns[1]["contract"]["type"] == agreed
