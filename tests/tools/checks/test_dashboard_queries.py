"""Dashboard queries against a database."""

from __future__ import annotations

import operator
from pathlib import Path

import duckdb
import pytest

from dataflow.publish.folders import SiteFolders
from dataflow.publish.parquet import publish_workflow
from dataflow.shared.finding import Finding
from dataflow.shared.project import Project
from dataflow_tools.checks.dashboard_queries import _ADDED, _published_type, check_queries

KINDS = [
    *("TINYINT", "INTEGER", "BIGINT", "HUGEINT", "UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE"),
    *("DECIMAL(12,2)", "BOOLEAN", "VARCHAR", "DATE", "TIME", "TIMESTAMP", "TIMESTAMP_NS"),
    *("TIMESTAMP WITH TIME ZONE", "UUID", "INTERVAL", "BLOB", "INTEGER[]", "STRUCT(a INTEGER)"),
    *("MAP(VARCHAR, DOUBLE)", "ENUM('a', 'b')", "JSON", "BIT"),
]


def check(folder: Path, *, pages: dict[str, str], sources: dict[str, str]) -> list[Finding]:
    """Check the pages and sources of a workflow that has loaded raw.sales."""
    for kind, texts in (("pages", pages), ("sources", sources)):
        for name, text in texts.items():
            path = folder / kind / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA raw")
        connection.execute("CREATE TABLE raw.sales (id BIGINT, day DATE, amount DECIMAL(9,2))")
        return check_queries(connection, "shop", folder)[1]


def page(*queries: str) -> str:
    blocks = (f"```sql q{number}\n{query}\n```\n" for number, query in enumerate(queries))
    return "# Page\n\n" + "\n".join(blocks)


SOURCES = {"sales.sql": "select * from raw.sales;\n"}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_pages_meet_the_types_that_are_published(kind: str, tmp_path: Path) -> None:
    """What a query is tried on has the type that publishing writes for the same column."""
    (tmp_path / "pyproject.toml").write_text("[tool.dataflow]\n")
    project = Project(tmp_path)
    sources = project.workflow_dir("shop") / "evidence" / "sources"
    sources.mkdir(parents=True)
    (sources / "one.sql").write_text(f"select cast(null as {kind}) as value")
    with duckdb.connect() as connection:
        shown = str(connection.sql(f"select cast(null as {kind}) as value").types[0])
        publish_workflow(project, "shop", connection)
        (file,) = (SiteFolders.of(project).data / "shop").rglob("one.parquet")
        kinds = connection.read_parquet(str(file)).types
    expected = {"TIMESTAMP": "TIMESTAMP_MS"}.get(str(kinds[0]), str(kinds[0]))
    assert _published_type(shown) == expected


def test_pages_meet_the_tables_that_are_added(tmp_path: Path) -> None:
    """What publishing adds to a workflow's own tables can be asked for, column by column."""
    (tmp_path / "pyproject.toml").write_text("[tool.dataflow]\n")
    project = Project(tmp_path)
    with duckdb.connect() as connection:
        publish_workflow(project, "shop", connection)
        folder = SiteFolders.of(project).data / "shop"
        added = {
            path.stem: ", ".join(
                f"{name} {kind}"
                for name, kind in zip(
                    *operator.attrgetter("columns", "types")(connection.read_parquet(str(path))),
                    strict=True,
                )
            )
            for path in folder.rglob("*.parquet")
        }
    expected = {name: text.replace("TIMESTAMP_MS", "TIMESTAMP") for name, text in _ADDED.items()}
    assert added == expected


def test_good_queries_have_no_faults(tmp_path: Path) -> None:
    """Other queries, inputs, the table of freshness, names with and without the workflow's."""
    text = page(
        "select sum(amount) as total from shop.sales where day > '${inputs.range.start}'",
        "select total * 2 from ${q0}",
        "select published_at from shop.published where row_count > 1",
        "from sales where id in ${inputs.ids.value} order by ${inputs.order}",
        # What stands in for the input does not go with the column; what a reader chooses may.
        "select id + cast('${inputs.more}' as date) from shop.sales",
    )
    assert check(tmp_path, pages={"index.md": text}, sources=SOURCES) == []


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("select nothing from shop.sales", '"nothing" not found'),
        ("select 1 from shop.sale", "sale"),
        ("select 1 from raw.sales", "raw"),
        ("select 1 from other.sales", "other"),
        ("selec 1", "Parser Error"),
        ("select ${inputs.x}, nothing from shop.sales", '"nothing" not found'),
        ("select * from ${q0}", "refers to itself"),
        ("select ${}", "empty reference"),
    ],
)
def test_what_does_not_exist_is_a_fault(query: str, said: str, tmp_path: Path) -> None:
    """Pages see what their own workflow publishes, and nothing of the warehouse or of others."""
    (fault,) = check(tmp_path, pages={"sub/index.md": page(query)}, sources=SOURCES)
    assert fault.file == "pages/sub/index.md"
    assert fault.line in (3, 4)
    assert said in fault.reason


def test_a_fault_is_told_once(tmp_path: Path) -> None:
    """A query that is made of a broken one, or reads a broken source, adds nothing."""
    text = page("select nothing from shop.sales", "select * from ${q0}", "from shop.broken")
    sources = {**SOURCES, "broken.sql": "select\n  gone\nfrom raw.sales"}
    faults = check(tmp_path, pages={"index.md": text}, sources=sources)
    assert [(f.file, f.line) for f in faults] == [("sources/broken.sql", 2), ("pages/index.md", 4)]


@pytest.mark.parametrize("name", ["published", "descriptions", "Sales", "order-lines"])
def test_a_source_can_name_a_table(name: str, tmp_path: Path) -> None:
    """Names that publishing refuses are faults."""
    faults = check(tmp_path, pages={}, sources={f"{name}.sql": "select * from raw.sales"})
    assert [(f.file, "cannot name a table" in f.reason) for f in faults] == [
        (f"sources/{name}.sql", True)
    ]


def test_a_source_is_one_select(tmp_path: Path) -> None:
    """Publishing refuses anything else, so the check does."""
    faults = check(tmp_path, pages={}, sources={"sales.sql": "drop table raw.sales"})
    assert [fault.reason for fault in faults] == ["This is not one SELECT."]


def test_a_dataset_names_what_is_published(tmp_path: Path) -> None:
    """A column that is not there is told once, with its line and what was meant."""
    script = "const all = {\n  table: 'sales',\n  measures: [{ name: 'amuont' }],\n};"
    text = f"<script>\n{script}\n</script>\n\n<Overview of={{all}} />\n"
    [finding] = check(tmp_path, pages={"index.md": text}, sources=SOURCES)
    assert (finding.file, finding.line) == ("pages/index.md", 4)
    assert finding.reason == (
        "the dataset names 'amuont', which sales has not; did you mean `amount`?"
    )
