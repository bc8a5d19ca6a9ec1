from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.dashboard_fixtures import AddWorkflow, read_published, write_warehouse
from tests.progress_recorder import Recorder

from dataflow.publish.errors import PublishError
from dataflow.publish.folders import SiteFolders
from dataflow.publish.manifest import read_manifest
from dataflow.publish.parquet import publish_workflow
from dataflow.shared.project import Project
from dataflow.shared.step_progress import hold_progress
from dataflow.warehouse.database import WarehouseError
from dataflow.warehouse.kind import visible_warehouse

EVERY_TYPE = """
SELECT 1::TINYINT AS small, 2::UBIGINT AS big, 3::HUGEINT AS huge, 1.5::DECIMAL(9, 2) AS money,
    0.5::FLOAT AS ratio, true AS flag, 'x' AS word, DATE '2026-01-31' AS day,
    TIMESTAMP '2026-01-31 23:59:59.999999' AS moment,
    TIMESTAMPTZ '2026-01-31 10:00:00+02' AS zoned, TIMESTAMP_NS '2026-01-31 00:00:00' AS nano,
    DATE 'infinity' AS never, TIME '10:30:00' AS clock, INTERVAL 2 DAY AS span,
    '9d2f4a3e-0000-4000-8000-000000000000'::UUID AS id, [1, 2] AS list, {'a': 1} AS struct,
    MAP {'k': 1} AS map, 'a'::ENUM ('a', 'b') AS kind, '{"a": 1}'::JSON AS document, NULL AS nothing
"""


def test_every_type_becomes_one_that_the_browser_engine_reads(
    project: Project, add_workflow: AddWorkflow
) -> None:
    """Numbers are DOUBLE, moments TIMESTAMP, booleans stay, the rest is text."""
    add_workflow("shop", sources={"all_types": EVERY_TYPE}, warehouse="SELECT 1")

    publish_workflow(project, "shop")

    published = read_published(project, "shop", "all_types")
    types = dict(zip(published.columns, map(str, published.types), strict=True))
    row = dict(zip(published.columns, published.fetchone() or (), strict=True))
    # A column of nulls alone has a type as well: DuckDB takes it for a whole number.
    numbers = ("small", "big", "huge", "money", "ratio", "nothing")
    moments = ("day", "moment", "zoned", "nano", "never")
    assert {name for name, kind in types.items() if kind == "DOUBLE"} == set(numbers)
    assert {name for name, kind in types.items() if kind.startswith("TIMESTAMP")} == set(moments)
    assert {name for name, kind in types.items() if kind == "BOOLEAN"} == {"flag"}
    assert {types[name] for name in types.keys() - {*numbers, *moments, "flag"}} == {"VARCHAR"}
    assert row["zoned"] == datetime(2026, 1, 31, 8)
    assert row["moment"] == datetime(2026, 1, 31, 23, 59, 59, 999000)
    assert row["never"] is None
    assert json.loads(row["list"]) == [1, 2]
    assert json.loads(row["struct"]) == {"a": 1}
    assert row["money"] == 1.5


def test_moments_are_those_of_the_workflows_clock(
    project: Project, add_workflow: AddWorkflow
) -> None:
    """Queries cut days where the workflow is, and pages learn where that is."""
    query = (
        "SELECT moment, moment::DATE AS day FROM (SELECT TIMESTAMPTZ '2024-01-02 02:00:00+00' "
        "AS moment)"
    )
    config = "workflow:\n  name: Shop\n  timezone: America/New_York\n"
    add_workflow("shop", sources={"t": query}, config=config, warehouse="SELECT 1")

    publish_workflow(project, "shop")

    row = (datetime(2024, 1, 1, 21), datetime(2024, 1, 1))
    assert read_published(project, "shop", "t").fetchone() == row
    _, _, at, local, zone = read_published(project, "shop", "published").fetchone() or ()
    assert zone == "America/New_York"
    assert at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) == local


def test_files_are_written_as_the_browser_engine_needs_them(
    project: Project, add_workflow: AddWorkflow
) -> None:
    """Only zstd, and milliseconds: other compressions are read as no rows at all."""
    add_workflow("shop", sources={"t": "SELECT TIMESTAMP '2026-01-01' AS d"}, warehouse="SELECT 1")

    publish_workflow(project, "shop")

    path = next((SiteFolders.of(project).data / "shop").glob("t/*/t.parquet"))
    with duckdb.connect() as connection:
        (codec,) = connection.execute(
            f"SELECT DISTINCT compression FROM parquet_metadata('{path}')"
        ).fetchone() or ("",)
        (kind,) = connection.execute(
            f"SELECT converted_type FROM parquet_schema('{path}') WHERE name = 'd'"
        ).fetchone() or ("",)
    assert (codec, kind) == ("ZSTD", "TIMESTAMP_MILLIS")


def test_rows_are_counted_and_the_freshness_table_tells_them(
    project: Project, add_workflow: AddWorkflow
) -> None:
    """The pages know how many rows each table has and when they were published."""
    add_workflow(
        "shop",
        sources={"orders": "SELECT * FROM range(5)", "empty": "SELECT 1 AS a WHERE false;"},
        warehouse="SELECT 1",
    )

    published = publish_workflow(project, "shop")

    rows = read_published(project, "shop", "published").order("table_name").fetchall()
    assert published == {"empty": 0, "orders": 5}
    assert [row[:2] for row in rows] == [("empty", 0.0), ("orders", 5.0)]
    noted = read_manifest(SiteFolders.of(project)).workflows["shop"]
    moment = datetime.fromisoformat(noted["published_at"])
    assert abs((rows[0][2] - moment.replace(tzinfo=None)).total_seconds()) < 0.001
    assert noted["rows"] == {"empty": 0, "orders": 5}


def test_an_empty_table_keeps_its_columns(project: Project, add_workflow: AddWorkflow) -> None:
    """A page whose table has no rows yet still finds its columns."""
    add_workflow("shop", sources={"t": "SELECT 1 AS a, 'x' AS b WHERE false"}, warehouse="SELECT 1")

    publish_workflow(project, "shop")

    published = read_published(project, "shop", "t")
    assert (published.columns, published.fetchall()) == (["a", "b"], [])


def test_a_workflow_without_queries_still_tells_when_it_was_published(
    project: Project, add_workflow: AddWorkflow
) -> None:
    """No source file is no error: the freshness table is there, with no rows."""
    add_workflow("shop", warehouse="SELECT 1")

    assert publish_workflow(project, "shop") == {}
    assert read_published(project, "shop", "published").fetchall() == []


@pytest.mark.parametrize(
    ("query", "line", "words"),
    [
        ("SELECT *,\n  nosuch\nFROM orders", 2, "nosuch"),
        ("SELECT *\nFROM\n  nosuch", 3, "nosuch"),
        ("SELECT 1 +\n", 1, "end of input"),
        ("SELECT\n  CAST(name AS INTEGER)\nFROM orders", 2, "convert"),
        ("-- why\nSELECT 1 AS a b c", 2, "syntax error"),
        ("FROM read_parquet('not there.parquet')", 1, "not there.parquet"),
    ],
)
def test_a_wrong_query_names_workflow_file_and_line(
    project: Project, add_workflow: AddWorkflow, query: str, line: int, words: str
) -> None:
    """The author of a query finds the fault without searching for it."""
    add_workflow(
        "shop", sources={"t": query}, warehouse="CREATE TABLE orders AS SELECT 'ann' AS name"
    )

    with pytest.raises(PublishError) as caught:
        publish_workflow(project, "shop")

    place = f"shop: src/dataflow/workflows/shop/evidence/sources/t.sql, line {line}: "
    assert caught.value.reason.startswith(place)
    assert words in caught.value.reason


@pytest.mark.parametrize(
    "query", ["", "-- nothing", "SELECT 1; SELECT 2", "DROP TABLE orders", "CREATE TABLE x (a INT)"]
)
def test_anything_but_one_select_is_refused(
    project: Project, add_workflow: AddWorkflow, query: str
) -> None:
    """A source file cannot change the warehouse, not even on a connection that could."""
    add_workflow("shop", sources={"t": query}, warehouse="CREATE TABLE orders AS SELECT 1 AS a")

    with (
        duckdb.connect(str(project.warehouse_file("shop"))) as connection,
        pytest.raises(PublishError, match="one SELECT"),
    ):
        publish_workflow(project, "shop", connection)
    with duckdb.connect(str(project.warehouse_file("shop"))) as connection:
        assert connection.execute("SHOW TABLES").fetchall() == [("orders",)]


@pytest.mark.parametrize("name", ["Bad Name", "1st", "published", "descriptions", "über"])
def test_a_file_that_cannot_name_a_table_is_refused(
    project: Project, add_workflow: AddWorkflow, name: str
) -> None:
    """Names that page queries could not write, or that we use ourselves, are refused."""
    add_workflow("shop", sources={name: "SELECT 1 AS a"}, warehouse="SELECT 1")

    with pytest.raises(PublishError, match="cannot name a table"):
        publish_workflow(project, "shop")


def test_a_workflow_that_never_ran_is_told_to_run(
    project: Project, add_workflow: AddWorkflow
) -> None:
    """Without a warehouse there is nothing to publish, and the error says what to do."""
    add_workflow("shop", sources={"a": "SELECT 1 AS x"})

    with pytest.raises(WarehouseError) as caught:
        publish_workflow(project, "shop")

    assert "dataflow workflow run shop" in caught.value.instruction


def test_an_open_connection_is_used_and_left_as_it_was(
    project: Project, add_workflow: AddWorkflow
) -> None:
    """A step that holds the file publishes through its own connection and can go on with it."""
    query = "SELECT TIMESTAMPTZ '2026-01-31 10:00:00+02' AS z FROM numbers"
    add_workflow("shop", sources={"t": query}, warehouse="SELECT 1")

    with duckdb.connect(str(project.warehouse_file("shop"))) as connection:
        connection.execute("SET TimeZone = 'Asia/Tokyo'")
        connection.execute("CREATE TABLE numbers AS SELECT * FROM range(3)")
        assert publish_workflow(project, "shop", connection) == {"t": 3}
        assert connection.execute("SELECT current_setting('TimeZone')").fetchone() == (
            "Asia/Tokyo",
        )
    assert read_published(project, "shop", "t").fetchone() == (datetime(2026, 1, 31, 8),)


@pytest.mark.slow
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(name=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20))
def test_any_column_name_arrives_as_it_is(
    project: Project, add_workflow: AddWorkflow, name: str
) -> None:
    """Quotes, spaces and other scripts in a column's name reach the page unchanged."""
    quoted = name.replace('"', '""')
    query = f'SELECT 1 AS "{quoted}"'
    add_workflow("shop", sources={"t": query}, warehouse="SELECT 1")

    publish_workflow(project, "shop")

    assert read_published(project, "shop", "t").columns == [name]


def _limited(project: Project, limits: str) -> None:
    text = f"[tool.dataflow]\npublishers = [{{type = 'parquet', {limits}}}]\n"
    (project.root / "pyproject.toml").write_text(text)


def test_what_no_browser_can_open_is_left_out_by_name(
    project: Project, add_workflow: AddWorkflow, capsys: pytest.CaptureFixture[str]
) -> None:
    """A table that has grown stops no run: all others are published, and the limit can be set."""
    few = "SELECT count(*) AS rows FROM numbers"
    sources = {"t": "SELECT * FROM numbers -- all", "grown": "SELECT unnest(range(11))", "few": few}
    add_workflow("shop", sources=sources, warehouse="CREATE TABLE numbers AS FROM range(9)")
    assert publish_workflow(project, "shop") == {"few": 1, "grown": 11, "t": 9}
    write_warehouse(project, "shop", "CREATE OR REPLACE TABLE numbers AS FROM range(12)")
    _limited(project, "max_rows = 10")

    assert publish_workflow(Project(project.root), "shop") == {"few": 1}

    told = capsys.readouterr().err
    assert "shop/evidence/sources/t.sql: 12 rows are more than a browser can open (10)" in told
    assert "shop/evidence/sources/grown.sql: 11 rows are more than a browser can open" in told
    manifest = read_manifest(SiteFolders.of(project))
    assert {Path(file).stem for file in manifest.tables["shop"]} == {
        "few",
        "published",
        "descriptions",
    }
    assert manifest.workflows["shop"]["left_out"] == {"t": 12, "grown": 11}
    published = read_published(project, "shop", "published").select("table_name", "row_count")
    assert dict(published.fetchall()) == {"few": 1, "grown": 11, "t": 12}
    _limited(project, "max_rows = 0")
    assert publish_workflow(Project(project.root), "shop") == {"few": 1, "grown": 11, "t": 12}
    assert read_manifest(SiteFolders.of(project)).workflows["shop"]["left_out"] == {}


def test_large_tables_are_told_of(
    project: Project, add_workflow: AddWorkflow, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are published, with a word on how to make the page fast."""
    add_workflow("shop", sources={"t": "SELECT * FROM range(11)"}, warehouse="SELECT 1")
    _limited(project, "warn_rows = 10")

    assert publish_workflow(Project(project.root), "shop") == {"t": 11}

    assert "t.sql: 11 rows are published whole" in capsys.readouterr().err


def test_numbers_that_a_browser_rounds_are_told_of(
    project: Project, add_workflow: AddWorkflow, capsys: pytest.CaptureFixture[str]
) -> None:
    """By their columns: an id beyond 53 bits is another one on a page; as text it is not."""
    large = f"({-(2**53 + 1)})::BIGINT"
    exact = f"{2**53 - 1}::BIGINT AS exact, 1e300::DOUBLE AS fraction"
    query = f"SELECT {large} AS id, {large}::VARCHAR AS text, {exact} UNION ALL SELECT 1, '', 2, 3"
    add_workflow("shop", sources={"t": query}, warehouse="SELECT 1")

    assert publish_workflow(project, "shop") == {"t": 2}

    told = capsys.readouterr().err
    assert "t.sql: whole numbers of more than 53 bits in id: a browser" in told
    assert "cast(id as varchar) as id" in told


def test_how_many_tables_are_made_can_be_seen(project: Project, add_workflow: AddWorkflow) -> None:
    """Of all of them, with the name of the one that is being written."""
    add_workflow("shop", sources={"a": "SELECT 1 AS n", "b": "SELECT 2 AS n"}, warehouse="SELECT 1")
    progress = Recorder()
    with hold_progress(progress), visible_warehouse(project, "shop").connect() as connection:
        publish_workflow(project, "shop", connection)
    told = [each for each in progress.told("parts", "total_parts", "of", "at") if each[3]]
    assert told == [(0, 2, "tables", "a"), (1, 2, "tables", "b")]
    assert len(progress.watched) == 1
