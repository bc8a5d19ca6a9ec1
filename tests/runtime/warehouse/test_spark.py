"""A lake whose models a Spark cluster builds: what it sees, what it makes, and when it is away."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.database_fixtures import free_port
from tests.spark_fixtures import OPTIONS, Cluster, spark_cluster, start_cluster

from dataflow.modelling.build import ModelError, build_models
from dataflow.shared.errors import BadInputError, MissingDependencyError
from dataflow.testing.loaded_warehouse import WORKFLOW, Loaded, open_in, write_models
from dataflow.warehouse.database import WarehouseError
from dataflow.warehouse.dbt_engine import DbtTable
from dataflow.warehouse.kind import KeepPolicy, visible_warehouse
from dataflow.warehouse.spark import AtomicSparkLake, SparkLake, SparkSettings, check_spark
from dataflow.warehouse.spark_session import SparkCluster, executors

__all__ = ["spark_cluster"]

KEEP = KeepPolicy(2, 10.0)


@pytest.fixture
def w(tmp_path: Path, spark_cluster: Cluster) -> Loaded:
    """A lake in files, on the cluster."""
    return open_in(tmp_path / "project", spark_cluster.setting(data="data/my lake"))


def begun(w: Loaded, run_id: str = "run-1") -> SparkLake:
    """What a run works on."""
    assert isinstance(w.warehouse, AtomicSparkLake)
    return w.warehouse.begin(run_id)


def make(engine: Any, table: DbtTable, query: str) -> None:
    """Make a table or a view as dbt-spark does."""
    engine.session.sql(f"CREATE SCHEMA IF NOT EXISTS {table.schema}")
    if table.is_view:
        engine.session.sql(f"CREATE VIEW {table.schema}.{table.name} AS {query}")
        return
    settings = engine.settings_of(table)
    engine.session.sql(
        f"CREATE TABLE {table.schema}.{table.name} USING {settings['file_format']} "
        f"LOCATION '{settings['location_root']}/{table.name}' AS {query}"
    )


@pytest.mark.slow
def test_spark_sees_what_the_lake_has_and_the_lake_what_spark_makes(w: Loaded) -> None:
    """Deleted, renamed, added and dropped columns; types; and all of it back again."""
    import duckdb

    own = begun(w)
    rows = duckdb.sql(
        "SELECT i AS id, i * 1.5 AS d, "
        "12345678901234567890123456789012345.678::DECIMAL(38,3) AS n, "
        "TIMESTAMP '1582-10-04 23:59:59.999999' AS local, "
        "TIMESTAMPTZ '2024-03-31 01:30:00+02' AS zoned, DATE '0044-03-15 (BC)' AS bc, "
        "'Łódź \\ '' \" 😀' AS word, ['a', NULL] AS tags, {'x': 1.5, 'y': 'ü'} AS \"of\", "
        "TIME '23:59:59.999999' AS clock, i::UTINYINT AS small, 'x'::BLOB AS bytes, "
        "i % 2 = 0 AS yes, "
        "(i + 9007199254740000)::BIGINT AS big FROM range(100) r(i)"
    ).to_arrow_table()
    key: dict[str, Any] = {"write_disposition": "merge", "primary_key": ["id"]}
    w.load(rows, own, **key)
    w.load(rows.slice(0, 10), own, **key)
    w.load(rows.slice(0, 50), own, table="renamed")
    w.load(rows, own, table="copied")
    with own.connect() as connection:
        connection.execute("DELETE FROM raw.t WHERE id IN (3, 97)")
        connection.execute("ALTER TABLE raw.renamed RENAME COLUMN d TO e")
        connection.execute("ALTER TABLE raw.renamed DROP COLUMN word")
        connection.execute("ALTER TABLE raw.renamed ADD COLUMN word INTEGER")
        connection.execute("ALTER TABLE raw.copied ADD COLUMN u UUID")
        connection.execute("UPDATE raw.copied SET u = uuid() WHERE id < 7")
        connection.execute("CREATE TABLE raw.emptied AS FROM raw.t LIMIT 0")
        connection.execute("CREATE TABLE raw.wide AS SELECT sum(id) AS h FROM raw.t")
    read = [DbtTable("raw", name) for name in ("t", "renamed", "copied", "emptied", "wide", "none")]
    mart, view = DbtTable("marts", "m"), DbtTable("staging", "v", is_view=True)
    nothing = DbtTable("marts", "nothing")
    with own.dbt_engine(read, {}) as engine:
        assert isinstance(executors(engine.session), dict)  # type: ignore[attr-defined]
        make(engine, view, "SELECT * FROM raw.t")
        make(engine, mart, 'SELECT *, "of".x AS x FROM staging.v')
        make(engine, nothing, "SELECT id FROM raw.emptied")
        facts = engine.session.sql(  # type: ignore[attr-defined]
            "SELECT (SELECT count(*) FROM raw.renamed WHERE word IS NULL AND e = id * 1.5), "
            "(SELECT count(u) FROM raw.copied), (SELECT count(*) FROM raw.emptied), "
            "(SELECT typeof(max(h)) FROM raw.wide), (SELECT max(h) FROM raw.wide)"
        ).collect()
        engine.keep([mart, view, nothing])
    assert [str(value) for value in facts[0]] == ["50", "7", "0", "decimal(38,0)", "4850"]
    for name in ("staging.v", "marts.m"):
        columns = "* EXCLUDE (small, x)" if name == "marts.m" else "* EXCLUDE (small)"
        one, other = f"SELECT {columns} FROM {name}", "SELECT * EXCLUDE (small) FROM raw.t"
        differ = f"({one} EXCEPT ALL {other}) UNION ALL ({other} EXCEPT ALL {one})"
        assert w.ask(differ, own) == []
        kinds = "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = '{}' "
        wanted = dict(w.ask(kinds.format("t"), own)) | {"small": "SMALLINT"}
        found = dict(w.ask(kinds.format(name.partition(".")[2]), own))
        assert {key: found[key] for key in wanted} == wanted
    assert w.ask("SELECT count(*) FROM marts.nothing", own) == [(0,)]
    assert w.ask("SELECT count(*) FROM staging.v", own) == [(98,)]
    assert w.warehouse.promote("run-1", KEEP)  # type: ignore[attr-defined]
    lake = w.warehouse.states  # type: ignore[attr-defined]
    named = lake.named_files()
    folder = w.project.root / "data" / "my lake" / WORKFLOW
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet")}
    assert named <= there
    assert not list(folder.rglob("*.crc"))
    assert not list(folder.glob("spark-*"))


@pytest.mark.slow
def test_a_value_that_does_not_fit_fails_the_model_and_others_read_what_was_good(
    w: Loaded, tmp_path: Path
) -> None:
    """dbt-spark would make it null; the last good tables stay, for other workflows as well."""
    write_models(w.project)
    models = w.project.workflow_dir(WORKFLOW) / "dbt" / "models"
    visible = w.warehouse
    assert isinstance(visible, AtomicSparkLake)
    w.load([{"id": 1, "amount": 1.5}], begun(w))
    assert build_models(w.project, WORKFLOW, begun(w)).tests == 1
    assert visible.promote("run-1", KEEP)
    own = begun(w, "run-2")
    w.load([{"id": 2, "amount": 2.5}, {"id": 3, "amount": 3.5}], own)
    (models / "marts" / "t.sql").write_text(
        "select cast(case id when 3 then 'x' else '7' end as int) as n, id from {{ ref('stg_t') }}"
    )
    with pytest.raises(ModelError, match="CAST_INVALID_INPUT"):
        build_models(w.project, WORKFLOW, own)
    assert w.ask("SELECT id, amount FROM marts.t") == [(1, 1.5)]
    (models / "marts" / "t.sql").write_text(
        "{{ config(materialized='incremental', unique_key='id') }} select 1 as id"
    )
    with pytest.raises(BadInputError, match=r"model 't' is incremental.*nothing was built"):
        build_models(w.project, WORKFLOW, own)
    # Another workflow reads the last good state.
    other = visible_warehouse(w.project, "report")
    assert isinstance(other, AtomicSparkLake)
    folder = w.project.workflow_dir("report") / "dbt"
    for name, text in {
        "dbt_project.yml": "name: report\nversion: 1.0.0\nprofile: report\n"
        "models: {report: {+materialized: table, +schema: marts}}\n",
        "macros/generate_schema_name.sql": "{% macro generate_schema_name(name, node) -%}"
        "{{ name or target.schema }}{%- endmacro %}",
        "models/r.sql": f"select sum(amount) as s from {{{{ source('{WORKFLOW}', 't') }}}}",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    held = visible.held_for(w.project, WORKFLOW, "report")
    held.hold()
    work = other.begin("run-1")
    build_models(w.project, "report", work, upstream={WORKFLOW: held})
    assert w.ask("SELECT s FROM marts.r", work) == [(1.5,)]


@pytest.fixture
def mortal_cluster() -> Iterator[Cluster]:
    """A cluster whose workers may be killed."""
    cluster = start_cluster()
    try:
        yield cluster
    finally:
        cluster.stop()


@pytest.mark.slow
def test_the_numbers_are_right_when_a_worker_is_killed_and_without_any_the_run_fails(
    tmp_path: Path, mortal_cluster: Cluster
) -> None:
    """Spark does its part again on the other one; when that is gone, too, one message says so."""
    w = open_in(tmp_path / "project", mortal_cluster.setting(data="data/lake", wait=15))
    own = begun(w)
    w.load(pa.table({"id": range(1000)}), own)
    mart = DbtTable("marts", "m")
    slow = (
        "SELECT id % 7 AS k, count(*) AS n, sum(id) AS s FROM raw.t "
        "CROSS JOIN (SELECT explode(sequence(1, 4000))) GROUP BY 1"
    )

    def when_busy(engine: Any, what: Any) -> threading.Thread:
        def act() -> None:
            tracker = engine.session.sparkContext.statusTracker()
            while not tracker.getActiveStageIds():
                time.sleep(0.01)
            what()

        thread = threading.Thread(target=act)
        thread.start()
        return thread

    with own.dbt_engine([DbtTable("raw", "t")], {}) as engine:
        assert len(executors(engine.session)) == 2  # type: ignore[attr-defined]
        thread = when_busy(engine, lambda: mortal_cluster.kill_worker(0))
        make(engine, mart, slow)
        thread.join()
        engine.keep([mart])
    found = w.ask("SELECT sum(n), sum(s) FROM marts.m", own)
    assert found == [(4_000_000, 4000 * 499_500)]
    assert w.warehouse.promote("run-1", KEEP)  # type: ignore[attr-defined]
    later = begun(w, "run-2")
    with (  # noqa: PT012 - it is the block that fails
        pytest.raises(WarehouseError, match="no executor was left for 15 s") as told,
        later.dbt_engine([DbtTable("raw", "t")], {}) as engine,
    ):
        thread = when_busy(engine, lambda: mortal_cluster.kill_worker(1))
        make(engine, DbtTable("marts", "other"), slow)
    thread.join()
    assert "last good run" in told.value.instruction
    assert w.ask("SELECT sum(n) FROM marts.m") == [(4_000_000,)]


@pytest.mark.slow
def test_a_check_tries_the_lake_and_the_cluster_and_leaves_nothing(tmp_path: Path) -> None:
    """Executors write files that this process reads; afterwards the folder is as before."""
    w = open_in(tmp_path / "project", {"type": "spark", "master": "local[1]", "options": OPTIONS})
    settings = SparkSettings.model_validate(w.project.settings.warehouse)
    said = check_spark(settings, w.project)
    assert "made, read and removed" in said
    assert "Spark at local[1] wrote and read files with 1 executor" in said
    assert [path for path in (tmp_path / "project" / "data").rglob("*") if path.is_file()] == []


def test_a_master_that_does_not_answer_is_one_message(tmp_path: Path) -> None:
    """Before anything of Spark is started."""
    port = free_port()
    w = open_in(tmp_path / "project", {"type": "spark", "master": f"spark://127.0.0.1:{port}"})
    with (
        pytest.raises(WarehouseError, match=f"127.0.0.1:{port} .*master does not answer"),
        begun(w).dbt_engine([], {}),
    ):
        pass


def test_without_java_a_run_is_refused_before_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what installs it."""
    w = open_in(tmp_path / "project", {"type": "spark", "master": "local[1]"})
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingDependencyError, match="needs Java") as told:
        begun(w)
    assert "openjdk-17-jre-headless" in told.value.instruction
    assert not w.warehouse.exists()
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))
    with pytest.raises(MissingDependencyError, match="JAVA_HOME"):
        SparkCluster("local[1]", {}, 1).require()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"options": {"spark.sql.ansi.enabled": "false"}}, "on which the numbers depend"),
        ({"options": {"executor.memory": "1g"}}, "no properties of Spark"),
        ({"data": "lake/{a,b}"}, "several files in Spark"),
        ({"wait": 0}, "greater than 0"),
    ],
)
def test_settings_that_would_change_numbers_are_refused(
    settings: dict[str, Any], said: str
) -> None:
    """Before anything is connected to."""
    given = {"type": "spark", "master": "local[1]", **settings}
    with pytest.raises(ValueError, match=said):
        SparkSettings.model_validate(given)
    assert SparkSettings.model_validate({"type": "spark", "master": "x", "options": OPTIONS})
