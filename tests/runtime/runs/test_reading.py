"""Which part of a source a run reads, and that no row is lost or there twice for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.conftest import Dataflow
from tests.service_fixtures import write_project, write_workflow

from dataflow.runs.reading import Reading, check_bound, check_reading, cursor_column
from dataflow.shared.config_model import WorkflowConfig
from dataflow.shared.errors import BadInputError
from dataflow.shared.named_source import SourceTable
from dataflow.shared.own_code import OwnCode
from dataflow.shared.project import Project
from dataflow.warehouse.kind import Span


def test_what_was_asked_for_travels_as_tags() -> None:
    """A run that takes up a failed one reads the same part; a plain run has no such tags."""
    for reading in (Reading(), Reading(full_refresh=True), Reading(since="1", until="2")):
        assert Reading.from_tags(reading.as_tags()) == reading
    assert Reading().as_tags() == {}
    with pytest.raises(BadInputError, match="full refresh"):
        Reading(full_refresh=True, since="1")


def config(disposition: str, **ingestion: Any) -> SourceTable:
    made = WorkflowConfig.model_validate(
        {
            "workflow": {"name": "x"},
            "ingestion": ingestion,
            "load": {"table": "t", "write_disposition": disposition, "primary_key": ["id"]},
        },
        context=OwnCode("x", Path("/nowhere"), []),
    )
    return made.tables[0]


DATABASE = {"type": "database", "url": "a.duckdb", "table": "t", "incremental": {"column": "At"}}


def test_rows_that_come_again_are_told_by_the_column_as_the_contract_calls_it() -> None:
    """What the source says of them goes before what was asked for."""
    columns = {"seen": {"type": "date", "source": "At"}}
    settings = config("append", source=DATABASE, columns=columns)
    assert cursor_column(settings) == "seen"
    assert Reading().span(settings, {}) is None
    assert Reading(since="5", until="9").span(settings, {}) == Span("seen", 5, 9)
    said = {"span": {"column": "At", "since": 4, "until": None}}
    assert Reading().span(settings, said) == Span("seen", 4)
    assert Reading(since="5").parameters(settings) == {"since": 5}


def test_of_a_plug_in_the_reader_tells_which_rows_come_again() -> None:
    """What `incremental` means to it, if it has such a key, only its own reader knows."""
    own = config("append", source={"type": "file", "url": "a.csv"})
    with pytest.raises(BadInputError, match="reader of 'file'.*`Extracted.span`") as refused:
        Reading(since="5").span(own, {})
    assert "`--full-refresh`" in refused.value.instruction
    assert "ingestion.source.incremental" not in refused.value.instruction
    database = {name: value for name, value in DATABASE.items() if name != "incremental"}
    with pytest.raises(BadInputError, match=r"Name it in `ingestion\.source\.incremental`"):
        Reading(since="5").span(config("append", source=database), {})


@pytest.mark.parametrize(
    ("kind", "reached", "value", "refused"),
    [
        ("date", None, "2026-13-01", True),
        ("timestamp", "2026-01-01", "2026-02-30T10:00:00", True),
        ("timestamp", None, "2026-02-28T10:00:00Z", False),
        ("text", {"value": "2026-01-01T00:00:00Z"}, "2026-13-01", True),
        ("text", {"value": "a"}, "2026-13-01", False),
        ("bigint", {"value": 5}, "2026-13-01", False),
    ],
)
def test_where_to_begin_is_a_date_if_the_cursor_is(
    kind: str, reached: Any, value: str, refused: bool
) -> None:
    """As text a month that there is not would lie between others; the contract or a run knows."""
    settings = config("append", source=DATABASE, columns={"At": kind})
    if not refused:
        check_bound(settings, "--since", value, reached)
        return
    with pytest.raises(BadInputError, match="no date") as caught:
        check_bound(settings, "--since", value, reached)
    assert caught.value.reason.startswith("--since is ")


def test_a_part_is_not_put_in_the_place_of_all_and_not_added_twice() -> None:
    """Where nothing tells which rows come again, an append is refused before it adds one."""
    source = {"type": "file", "url": "a.csv"}
    with pytest.raises(BadInputError, match="`replace` would put"):
        Reading(since="5").parameters(config("replace", source=source))
    with pytest.raises(BadInputError, match="would add twice"):
        Reading(since="5").span(config("append", source=source), {})
    assert Reading(since="5").span(config("merge", source=source), {}) is None
    assert Reading(until="5").span(config("append", source=source), {}) is None
    assert cursor_column(config("append", source=source)) == ""


class Shop:
    """A project whose workflow `sales` reads a DuckDB file incrementally."""

    def __init__(self, project: Path, workflow: Path, dataflow: Dataflow) -> None:
        self.project, self.config, self.dataflow = project, workflow / "config.yaml", dataflow
        text = self.config.read_text()
        start, _, rest = text.partition("  source:\n")
        _, _, rest = rest.partition("  parameters:\n")
        source = (
            "  source:\n    type: database\n    url: data/in.duckdb\n    table: sales\n"
            "    incremental: {column: id, look_back: 0.5}\n  parameters:\n"
        )
        rest = rest.replace("write_disposition: replace", "write_disposition: append")
        self.config.write_text(start + source + rest)
        (project / "data").mkdir()
        sample = workflow / "tests" / "data" / "sample.json"
        self.source(f"CREATE TABLE sales AS FROM '{sample}'")

    def source(self, sql: str) -> None:
        with duckdb.connect(str(self.project / "data" / "in.duckdb")) as connection:
            connection.execute(sql)

    def run(self, *options: str, code: int = 0) -> Any:
        ran = self.dataflow("workflow", "run", "sales", *options, cwd=self.project)
        assert ran.returncode == code, ran.stdout + ran.stderr
        return ran

    def watermark(self, *options: str) -> Any:
        ran = self.dataflow("workflow", "watermark", "sales", "--json", *options, cwd=self.project)
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)["last_value"]

    def ids(self) -> list[int]:
        with duckdb.connect(str(self.project / "data" / "sales.duckdb"), read_only=True) as found:
            return [row[0] for row in found.sql("SELECT id FROM raw.sales ORDER BY id").fetchall()]


@pytest.mark.slow
def test_parts_are_read_again_and_no_row_is_there_twice(
    project_folder: Path, workflow_folder: Path, dataflow: Dataflow
) -> None:
    """A part, a span looked back over, all of it; and the watermark never goes back unasked."""
    shop = Shop(project_folder, workflow_folder, dataflow)
    shop.run()
    assert (shop.ids(), shop.watermark()) == ([1, 2, 3, 4, 5, 6], 6)
    shop.source("DELETE FROM sales WHERE id = 3")
    shop.run("--since", "2", "--until", "5")
    assert (shop.ids(), shop.watermark()) == ([1, 2, 4, 5, 6], 6)
    shop.source("DELETE FROM sales WHERE id = 1")
    shop.run()
    assert shop.ids() == [1, 2, 4, 5, 6]
    assert "would leave out" in shop.run("--since", "9", code=1).stderr
    assert "Nothing lies between" in shop.run("--since", "4", "--until", "4", code=1).stderr
    shop.run("--full-refresh")
    assert (shop.ids(), shop.watermark()) == ([2, 4, 5, 6], 6)
    assert shop.watermark("--set", "5") == 5
    shop.run()
    assert (shop.ids(), shop.watermark()) == ([2, 4, 5, 6], 6)
    assert shop.watermark("--clear") is None
    shop.run()
    assert (shop.ids(), shop.watermark()) == ([2, 4, 5, 6], 6)
    shop.config.write_text(shop.config.read_text().replace("append", "replace"))
    refused = shop.run("--since", "2", code=2)
    assert "`replace` would drop" in refused.stderr


def test_what_the_configuration_shows_not_to_go_is_refused_before_a_run(tmp_path: Path) -> None:
    """Any bound by itself, of any table; of a configuration that is wrong the run says more."""
    project = Project(write_project(tmp_path / "shop"))
    folder = write_workflow(project.root, "sales")

    def configure(disposition: str) -> None:
        (folder / "config.yaml").write_text(
            "workflow: {name: Sales, timezone: UTC}\n"
            "ingestion:\n"
            "  source: {type: database, url: a.duckdb, table: t, incremental: {column: at}}\n"
            "  columns: {at: date}\n"
            f"load: {{table: t, write_disposition: {disposition}}}\n"
        )

    configure("append")
    check_reading(project, "sales", Reading())
    check_reading(project, "sales", Reading(since="2024-01-31", until="2024-02-29"))
    for wrong in (Reading(since="soon"), Reading(until="2024-02-30")):
        with pytest.raises(BadInputError, match="no date and no time"):
            check_reading(project, "sales", wrong)
    text = (folder / "config.yaml").read_text().replace("append", "replace")
    (folder / "config.yaml").write_text(text.replace(", incremental: {column: at}", ""))
    for asked in (Reading(since="2024-01-31"), Reading(until="2024-01-31")):
        with pytest.raises(BadInputError, match="replace"):
            check_reading(project, "sales", asked)
    configure("nonsense")
    check_reading(project, "sales", Reading(since="soon"))
