"""A file is read on day two by what `new` wrote down on day one, or refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from dataflow.shared.errors import DataflowError
from dataflow.sources.read import read_source
from dataflow_tools.inspection.source_inspection import inspect_source

CASES: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parents[2] / "cases" / "second_days.yaml").read_text(encoding="utf-8")
)


def agreed(name: str, **given: Any) -> dict[str, Any]:
    """`ingestion` of config.yaml, as `new` writes it for a file."""
    inspection = inspect_source({"type": "file", "url": name, **given})
    answers = inspection.answers()
    source = {"type": "file", "url": name, "null_values": answers["null_values"]}
    columns = {
        column["name"]: column["contract"] for column in answers["columns"] if "contract" in column
    }
    return {"source": {**source, **answers.get("source_settings", {})}, "columns": columns}


def write(project: Path, day: str | dict[str, str]) -> None:
    given = {"text": day} if isinstance(day, str) else day
    (project / "a.csv").write_bytes(given["text"].encode(given.get("encoding", "utf-8")))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_day_two(project: Path, case: dict[str, Any]) -> None:
    """The values of day two are those that were written, whatever else has changed, or it is told.

    What is as it was on day one is read without a word.
    """
    write(project, case["days"][0])
    ingestion = agreed("a.csv", **case.get("given", {}))
    read_source(ingestion, {})
    write(project, case["days"][1])
    if "refused" in case:
        with pytest.raises(DataflowError) as caught:
            read_source(ingestion, {})
        assert case["refused"] in str(caught.value)
        return
    result = read_source(ingestion, {})
    texts = [column for column, agreed in ingestion["columns"].items() if "(" in agreed["type"]]
    rows = [
        {name: str(value) if name in texts else value for name, value in row.items()}
        for row in result["data"].to_pylist()
    ]
    assert rows == case["rows"]
    unsaid = case.get("unsaid")
    assert not unsaid or unsaid not in str(result["metadata"].get("notes"))
    for part in case.get("said", []):
        assert any(part in note for note in result["metadata"]["notes"]), result["metadata"]


def save(project: Path, *rows: list[Any]) -> None:
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    book.save(project / "a.xlsx")


@pytest.mark.slow
def test_a_sheet_whose_title_is_gone(project: Path) -> None:
    """The names of the contract are found in another row of the sheet."""
    save(project, ["Report"], [], ["id", "v"], [1, 5], [2, 6])
    ingestion = agreed("a.xlsx")
    save(project, ["id", "v"], [1, 5], [2, 6], [3, 8])
    result = read_source(ingestion, {})
    assert [row["v"] for row in result["data"]] == [5, 6, 8]
    assert any("stand in row 1 now" in note for note in result["metadata"]["notes"])


@pytest.mark.slow
def test_a_sheet_that_gets_a_total(project: Path) -> None:
    """A total that nobody spoke of is not read as a row of a sheet either."""
    save(project, ["region", "n"], ["A", 1], ["B", 2], ["C", 4])
    ingestion = agreed("a.xlsx")
    save(project, ["region", "n"], ["A", 1], ["B", 2], ["C", 4], ["Total", 7])
    with pytest.raises(DataflowError, match="footer_lines: 1"):
        read_source(ingestion, {})


def save_sheets(project: Path, hidden: list[str] | None = None, **sheets: list[list[Any]]) -> None:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
        sheet.sheet_state = "hidden" if name in (hidden or ()) else "visible"
    book.save(project / "a.xlsx")


TABLE: list[list[Any]] = [["id", "v"], [1, 5], [2, 6]]


@pytest.mark.slow
def test_a_sheet_that_is_added_before_the_table(project: Path) -> None:
    """The sheet is found by the names of the contract, and it is told; it is not read as empty."""
    save_sheets(project, S=TABLE)
    ingestion = agreed("a.xlsx")
    save_sheets(project, Cover=[["Report of May"]], S=TABLE, Other=[["a", "b"], [1, 2]])
    result = read_source(ingestion, {})
    assert [row["v"] for row in result["data"]] == [5, 6]
    assert any("in the sheet 'S' now" in note for note in result["metadata"]["notes"])


@pytest.mark.slow
def test_a_hidden_sheet_before_the_table(project: Path) -> None:
    """What nobody sees who opens the file is not read in the table's place."""
    save_sheets(project, S=TABLE)
    ingestion = agreed("a.xlsx")
    save_sheets(project, Old=[["id", "v"], [9, 9]], S=TABLE, hidden=["Old"])
    assert [row["v"] for row in read_source(ingestion, {})["data"]] == [5, 6]


@pytest.mark.slow
def test_a_second_sheet_with_the_same_columns(project: Path) -> None:
    """Which of the two is meant cannot be told, until a person names it."""
    save_sheets(project, S=TABLE)
    ingestion = agreed("a.xlsx")
    save_sheets(project, T=[["id", "v"], [9, 9]], S=TABLE)
    with pytest.raises(DataflowError, match="several sheets .*'T', 'S'"):
        read_source(ingestion, {})
    ingestion["source"]["sheet"] = "S"
    assert [row["v"] for row in read_source(ingestion, {})["data"]] == [5, 6]


@pytest.mark.slow
def test_a_sheet_without_rows_has_lost_its_columns(project: Path) -> None:
    """Another sheet in the table's place is no empty day."""
    save_sheets(project, S=TABLE)
    ingestion = agreed("a.xlsx")
    save_sheets(project, Cover=[["Report of May"]])
    with pytest.raises(DataflowError, match="no longer has 'id', 'v'"):
        read_source(ingestion, {})


@pytest.mark.slow
def test_a_number_of_a_sheet_that_is_too_large(project: Path) -> None:
    """What was text may be a number of more digits than any type of whole numbers has."""
    save_sheets(project, S=[["id", "v"], ["12345678901234567890", 1]])
    ingestion = agreed("a.xlsx")
    save_sheets(project, S=[["id", "v"], [12345678901234567890, 1e20]])
    with pytest.raises(DataflowError, match="'v', row 1: '1e\\+20' is no bigint"):
        read_source(ingestion, {})


@pytest.mark.slow
def test_numbers_of_json_in_a_column_of_texts(project: Path) -> None:
    """The text of 5 is 5, also where a fraction stands in another row."""
    (project / "a.json").write_text('[{"id": 1, "v": "5"}, {"id": 2, "v": "x"}]', encoding="utf-8")
    ingestion = agreed("a.json")
    (project / "a.json").write_text('[{"id": 1, "v": 5}, {"id": 2, "v": 6.5}]', encoding="utf-8")
    assert [row["v"] for row in read_source(ingestion, {})["data"]] == ["5", "6.5"]


@pytest.mark.slow
def test_a_number_of_json_that_no_double_holds(project: Path) -> None:
    """A large whole number beside a fraction stays what it is, or is refused."""
    large = 2**53 + 1
    (project / "a.json").write_text('[{"id": 1, "v": 1.5}, {"id": 2, "v": 2}]', encoding="utf-8")
    ingestion = agreed("a.json")
    rows = f'[{{"id": {large}, "v": {2**60}}}, {{"id": 2.0, "v": 1e300}}]'
    (project / "a.json").write_text(rows, encoding="utf-8")
    found = read_source(ingestion, {})["data"].to_pylist()
    assert found == [{"id": large, "v": 2.0**60}, {"id": 2, "v": 1e300}]
    (project / "a.json").write_text(f'[{{"id": 1, "v": {large}}}, {{"id": 2, "v": 1.5}}]')
    with pytest.raises(DataflowError, match=f"'{large}' is no double"):
        read_source(ingestion, {})
    assert agreed("a.json")["columns"]["v"] == {"type": "text"}


@pytest.mark.slow
def test_lists_of_json_in_a_column_of_texts_are_told(project: Path) -> None:
    """A text that becomes a list is loaded as its JSON, and not without a word."""
    (project / "a.json").write_text('[{"id": 1, "t": "a"}, {"id": 2, "t": "b"}]', encoding="utf-8")
    ingestion = agreed("a.json")
    (project / "a.json").write_text('[{"id": 1, "t": ["a"]}, {"id": 2, "t": "b"}]')
    result = read_source(ingestion, {})
    assert [row["t"] for row in result["data"]] == ['["a"]', "b"]
    assert any("'t' is text by its contract" in note for note in result["metadata"]["notes"])


@pytest.mark.slow
def test_a_file_of_a_logger(project: Path) -> None:
    """A line about the station, names, units and kinds of values: rows are what is below."""
    head = '"TOA5","CR1000","CR1000","1","Std.31","CPU:a.CR1","1","T"\n"TIMESTAMP","N","V_Avg"\n'
    head += '"TS","RN","Volts"\n"","","Avg"\n'
    rows = [f'"2024-01-01 00:{number}:00",{number},12.{number}\n' for number in range(10, 40)]
    write(project, head + "".join(rows) + '"2024-01-01 00:40:00",40,"NAN"\n')
    ingestion = agreed("a.csv")
    assert {ingestion["source"].get(key) for key in ("units_row", "kinds_row")} == {True}
    found = read_source(ingestion, {})["data"].to_pylist()
    assert (len(found), found[0]["V_Avg"], found[-1]["V_Avg"]) == (31, 12.1, None)
    write(project, head + rows[5])
    assert [row["N"] for row in read_source(ingestion, {})["data"]] == [15]
    write(project, head.replace('"","","Avg"\n', "") + rows[5])
    with pytest.raises(DataflowError, match="a line below the header holds values"):
        read_source(ingestion, {})


@pytest.mark.slow
def test_names_and_units_behind_a_mark_of_comments(project: Path) -> None:
    """The first row of data is not taken for the names."""
    head = "#YY  MO WDIR WSPD\n#yr  mo degT m/s\n"
    write(project, head + "".join(f"2024 {n} 120  5.{n}\n" for n in range(10, 40)))
    ingestion = agreed("a.csv")
    write(project, head + "2025 1 90   7.5\n")
    rows = read_source(ingestion, {})["data"].to_pylist()
    assert rows == [{"#YY": 2025, "MO": 1, "WDIR": 90, "WSPD": 7.5}]


@pytest.mark.slow
def test_an_object_without_records(project: Path) -> None:
    """A list that is empty today is no rows, with the columns that were agreed on."""
    (project / "a.json").write_text('{"rows": [{"a": 1}, {"a": 2}]}', encoding="utf-8")
    ingestion = agreed("a.json")
    (project / "a.json").write_text('{"rows": []}', encoding="utf-8")
    result = read_source(ingestion, {})
    assert (len(result["data"]), result["data"].column_names) == (0, ["a"])


def test_a_parquet_column_of_nulls(project: Path) -> None:
    """A file that says no type of a column agrees on none: its first values stop no run."""
    first = pa.table({"id": [1], "v": pa.array([None], pa.null())})
    pq.write_table(first, project / "a.parquet")
    ingestion = agreed("a.parquet")
    pq.write_table(pa.table({"id": [2], "v": [1.5]}), project / "a.parquet")
    assert read_source(ingestion, {})["data"].to_pylist() == [{"id": 2, "v": 1.5}]


@pytest.mark.slow
def test_columns_that_grow_over_their_border(project: Path) -> None:
    """A value that no longer fits its width is never cut in two."""
    rows = ["id  city       pop", "1   New York   100", "2   Oslo        20", "3   Bern         7"]
    write(project, "\n".join(rows))
    ingestion = agreed("a.csv")
    assert ingestion["source"]["widths"]
    write(project, "id    city       pop\n1     New York   100\n10021 Oslo        20\n")
    with pytest.raises(DataflowError, match="line 3: a value stands across"):
        read_source(ingestion, {})
