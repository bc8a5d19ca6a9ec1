"""What a warehouse must do, as tests: for the kinds that the library has, and for plug-ins' own.

A kind's test module subclasses the class and says how its setting is written: `docs/plugins`.
All of it goes through the protocol of `dataflow.warehouse.kind`, as a run does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from dataflow.shared.errors import DataflowError
from dataflow.testing.loaded_warehouse import (
    WORKFLOW,
    Loaded,
    duckdb_rows,
    killed_load,
    open_in,
    write_models,
)
from dataflow.warehouse.kind import (
    AtomicWarehouse,
    KeepPolicy,
    LoadRequest,
    Owners,
    ReadByOthers,
    Span,
)
from dataflow.warehouse.load_log import Batch, loaded_partitions, save_watermark

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KEEP = KeepPolicy(2, 10.0)


class WarehouseConformance:
    """What every kind of warehouse must do."""

    # Whether lists and structures come back as what they are, not as text in JSON.
    keeps_nested: ClassVar[bool] = True
    # Whether a text may have a NUL character; where it may not, such a text is refused.
    keeps_nul: ClassVar[bool] = True
    # Whether days before the year 1 are kept; where they are not, they are refused.
    keeps_days_before_year_one: ClassVar[bool] = True
    # Whether columns are called whatever they are called; where not, such a name is refused.
    keeps_all_names: ClassVar[bool] = True
    # Whether a run can change all of it at one moment.
    is_atomic: ClassVar[bool] = True

    @pytest.fixture
    def setting(self) -> str | Mapping[str, Any]:
        """What ``warehouse`` is in ``[tool.dataflow]``."""
        raise NotImplementedError

    @pytest.fixture
    def w(self, tmp_path: Path, setting: str | Mapping[str, Any]) -> Loaded:
        """A warehouse that has nothing yet."""
        return open_in(tmp_path / "project", setting)

    def test_a_new_one_has_nothing(self, w: Loaded) -> None:
        """It does not exist before a load; reading it tells a person to run the workflow."""
        assert not w.warehouse.exists()
        assert w.warehouse.read_watermark("t") is None
        with (
            pytest.raises(DataflowError, match="workflow run"),
            w.warehouse.connect(read_only=True),
        ):
            pass

    def test_replace(self, w: Loaded) -> None:
        """The table has the new rows and the new columns only, and exists from then on."""
        w.load([{"id": 1, "old": "x"}])
        result = w.load([{"id": 2, "new": "y"}, {"id": 3, "new": None}])
        assert w.rows() == [(2, "y"), (3, None)]
        assert (result.table, result.rows_loaded, result.rows_in_table) == ("raw.t", 2, 2)
        assert w.warehouse.exists()

    def test_append_adds_rows_and_columns(self, w: Loaded) -> None:
        """New columns are added, columns that are missing become null."""
        w.load([{"id": 1, "a": "x"}], write_disposition="append")
        w.load([{"id": 2, "b": 1.5}], write_disposition="append")
        assert w.rows("id, a, b") == [(1, "x", None), (2, None, 1.5)]

    def test_merge(self, w: Loaded) -> None:
        """Rows of the same key are replaced, others added; the newer of two counts."""
        key: dict[str, Any] = {"write_disposition": "merge", "primary_key": ["id"]}
        w.load([{"id": 1, "at": 1, "v": "a"}, {"id": 2, "at": 5, "v": "b"}], **key)
        again = [{"id": 2, "at": 4, "v": "older"}, {"id": 3, "at": 1, "v": "x"}]
        w.load([*again, {"id": 3, "at": 2, "v": "c"}], cursor="at", **key)
        assert w.rows("id, v") == [(1, "a"), (2, "b"), (3, "c")]
        with pytest.raises(DataflowError, match="no value in the primary key"):
            w.load([{"id": None, "at": 1, "v": "d"}], **key)
        assert len(w.rows("id")) == 3

    def test_values_arrive_as_they_are(self, w: Loaded) -> None:
        """Decimals of 38 digits, days long ago and far ahead, moments, texts, truth, bytes."""
        import duckdb

        early = "0044-03-15 (BC)" if self.keeps_days_before_year_one else "0001-01-01"
        rows = duckdb.sql(
            "SELECT 1 AS id, "
            "12345678901234567890123456789012345.678::DECIMAL(38,3) AS d, "
            "-0.00000000000000000000000000000000000001::DECIMAL(38,38) AS tiny, "
            f"DATE '{early}' AS bc, DATE '9999-12-31' AS far, "
            "TIMESTAMP '1582-10-04 23:59:59.999999' AS local, "
            "TIMESTAMPTZ '2024-03-31 01:30:00+02' AS zoned, "
            "'Łódź '' \" \\ \n\t😀' AS word, '' AS empty, true AS yes, NULL::BOOLEAN AS unknown, "
            "9223372036854775807 AS big, 0.1::DOUBLE AS fraction, '\\x00\\xFF'::BLOB AS bytes, "
            "TIME '23:59:59.999999' AS clock"
        ).to_arrow_table()
        w.load(rows)
        # As texts: what a driver makes of days before Christ is not the question.
        texts = "d::VARCHAR, tiny::VARCHAR, bc::VARCHAR, far::VARCHAR, local::VARCHAR"
        assert w.rows(texts) == [
            (
                "12345678901234567890123456789012345.678",
                "-.00000000000000000000000000000000000001",
                early,
                "9999-12-31",
                "1582-10-04 23:59:59.999999",
            )
        ]
        assert w.rows("CAST(zoned AS VARCHAR), typeof(zoned), word, empty") == [
            ("2024-03-30 23:30:00+00", "TIMESTAMP WITH TIME ZONE", "Łódź ' \" \\ \n\t😀", "")
        ]
        assert w.rows("yes, unknown, big, fraction, bytes, CAST(clock AS VARCHAR)") == [
            (True, None, 9223372036854775807, 0.1, b"\x00\xff", "23:59:59.999999")
        ]
        assert w.rows("typeof(d), typeof(bc), typeof(local), typeof(yes), typeof(fraction)") == [
            ("DECIMAL(38,3)", "DATE", "TIMESTAMP", "BOOLEAN", "DOUBLE")
        ]

    def test_days_before_the_year_one(self, w: Loaded) -> None:
        """They are kept as they are, or refused with nothing written."""
        import duckdb

        rows = duckdb.sql("SELECT DATE '0044-03-15 (BC)' AS v").to_arrow_table()
        if self.keeps_days_before_year_one:
            w.load(rows)
            assert w.rows("v::VARCHAR") == [("0044-03-15 (BC)",)]
            return
        with pytest.raises(DataflowError, match="years 1 to 9999"):
            w.load(rows)
        assert not w.warehouse.exists()

    def test_nested_values(self, w: Loaded) -> None:
        """Lists and structures keep their values: as they are, or as text in JSON."""
        w.load([{"id": 1, "tags": ["a", None], "of": {"x": 1.5, "y": "ü"}}])
        assert w.rows("typeof(tags) LIKE '%]'") == [(self.keeps_nested,)]
        asked = 'to_json(tags), to_json("of")' if self.keeps_nested else 'tags, "of"'
        assert w.rows(asked) == [('["a",null]', '{"x":1.5,"y":"ü"}')]

    def test_a_text_with_a_nul(self, w: Loaded) -> None:
        """It is kept as it is, or refused with nothing written."""
        w.load([{"id": 1, "v": "x"}])
        if self.keeps_nul:
            w.load([{"id": 2, "v": "a\0b"}])
            assert w.rows("v") == [("a\0b",)]
            return
        with pytest.raises(DataflowError, match="NUL"):
            w.load([{"id": 2, "v": "a\0b"}])
        assert w.rows("v") == [("x",)]

    def test_no_rows(self, w: Loaded) -> None:
        """A source that suddenly gives nothing empties a table only where that is agreed."""
        import pyarrow as pa

        empty = pa.table({"id": pa.array([], pa.int64())})
        w.load(empty)
        assert w.rows() == []
        w.load([{"id": 1}])
        with pytest.raises(DataflowError, match="allow_empty"):
            w.load(empty)
        w.load(empty, write_disposition="append")
        assert w.rows() == [(1,)]
        w.load(pa.table({}), allow_empty=True)
        assert w.rows() == []

    def test_columns_are_widened_and_no_value_changes(self, w: Loaded) -> None:
        """A whole number's column takes fractions; what no type holds is refused."""
        append: dict[str, Any] = {"write_disposition": "append"}
        w.load([{"id": 1, "n": 1}], **append)
        w.load([{"id": 2, "n": 2.5}], **append)
        assert w.rows("id, n") == [(1, 1.0), (2, 2.5)]
        with pytest.raises(DataflowError, match=r"transform\.py"):
            w.load([{"id": 3, "n": "many"}], **append)
        w.load([{"id": 3, "n": "many"}], texts=["n"], **append)
        assert w.rows("id, n") == [(1, "1.0"), (2, "2.5"), (3, "many")]

    def test_names_are_names_whatever_they_contain(self, w: Loaded) -> None:
        """Quotes and SQL in a column's name are part of the name and run nowhere."""
        name = 'x"; DROP TABLE raw.t; --'
        key: dict[str, Any] = {"write_disposition": "merge", "primary_key": [name]}
        if not self.keeps_all_names:
            with pytest.raises(DataflowError, match="cannot be called so"):
                w.load([{name: 1, "Order": 1}], **key)
            assert not w.warehouse.exists()
            name = "Menge (kg), ü"
            key["primary_key"] = [name]
        w.load([{name: 1, "Order": 1}], **key)
        w.load([{name: 1, "Order": 2}, {name: 2, "Order": 3}], **key)
        assert w.rows() == [(1, 2), (2, 3)]

    def test_a_batch_is_not_added_twice(self, w: Loaded) -> None:
        """A run that repeats its load, or one after a failed run with the same rows."""
        rows = [{"id": 1}, {"id": 2}]
        first = Batch("run-1", w.parquet(rows), lambda _: False)
        append: dict[str, Any] = {"write_disposition": "append"}
        w.load(rows, batch=first, **append)
        assert w.load(rows, batch=first, **append).loaded_by == "run-1"
        again = Batch("run-2", w.parquet(rows[::-1]), lambda _: False)
        assert w.load(rows, batch=again, **append).loaded_by == "run-1"
        assert len(w.rows()) == 2
        after = Batch("run-3", w.parquet(rows), lambda _: True)
        assert w.load(rows, batch=after, **append).rows_in_table == 4

    def test_the_watermark_is_kept_with_the_rows(self, w: Loaded) -> None:
        """It is replaced by the next one, forgotten by a full refresh, and is any JSON value."""
        w.load([{"id": 1}], write_disposition="append", watermark={"value": 7})
        assert w.warehouse.read_watermark("t") == {"value": 7}
        w.load([{"id": 2}], write_disposition="append", watermark="2024-01-01")
        assert w.warehouse.read_watermark("t") == "2024-01-01"
        with pytest.raises(DataflowError):
            w.load([{"id": {"x": 1}}], write_disposition="append", watermark="later")
        assert w.warehouse.read_watermark("t") == "2024-01-01"
        w.load([{"id": 3}], write_disposition="append", full_refresh=True)
        assert w.warehouse.read_watermark("t") is None
        assert w.rows() == [(3,)]

    def test_a_killed_load_leaves_rows_and_watermark_as_they_were(self, w: Loaded) -> None:
        """Kill -9 after the rows are written and before they are there for good: neither is."""
        w.load([{"id": 1}], write_disposition="append", watermark=1)
        killed_load(w, "")
        assert w.rows() == [(1,)]
        assert w.warehouse.read_watermark("t") == 1
        w.load([{"id": 2}], write_disposition="append", watermark=2)
        assert w.rows() == [(1,), (2,)]
        assert w.warehouse.read_watermark("t") == 2

    def test_rows_that_come_again_take_the_place_of_their_span(self, w: Loaded) -> None:
        """Those between its ends go, and no others."""
        rows = [{"day": f"2024-01-0{n}", "v": "old"} for n in range(1, 5)]
        w.load(rows, write_disposition="append")
        span = Span("day", "2024-01-02", "2024-01-04")
        w.load([{"day": "2024-01-03", "v": "new"}], write_disposition="append", span=span)
        assert w.rows() == [("2024-01-01", "old"), ("2024-01-03", "new"), ("2024-01-04", "old")]

    def test_a_partition_takes_its_own_place(self, w: Loaded) -> None:
        """Its rows are replaced, those of others stay, and which there are is known."""

        def rows(key: str, *values: int) -> list[dict[str, Any]]:
            return [{"partition_key": key, "v": value} for value in values]

        for key, values in (("a", (1, 2)), ("b", (3,)), ("a", (4,))):
            w.load(rows(key, *values), write_disposition="append", partition=key)
        assert w.rows() == [("a", 4), ("b", 3)]
        with w.warehouse.connect(read_only=True) as connection:
            assert loaded_partitions(connection) == {"a", "b"}

    def test_rejected_rows_are_kept_beside_the_others(self, w: Loaded) -> None:
        """Those of a replace are of that load alone; those of an append add up."""
        aside = w.parquet([{"run_id": "r", "reason": "no number"}])
        for _ in range(2):
            w.load([{"id": 1}], write_disposition="append", rejected=aside)
        count = "SELECT count(*), min(reason) FROM rejected.t"
        assert w.ask(count) == [(2, "no number")]
        w.load([{"id": 1}], rejected=aside)
        assert w.ask(count) == [(1, "no number")]
        w.load([{"id": 1}])
        assert w.ask("SELECT count(*) FROM rejected.t") == [(0,)]

    def test_child_rows_are_those_of_their_owners_today(self, w: Loaded) -> None:
        """What an owner no longer has goes, and what belongs to others stays."""
        merge: dict[str, Any] = {"write_disposition": "merge"}

        def load(orders: list[dict[str, Any]], items: list[dict[str, Any]]) -> None:
            import pyarrow as pa

            owners = w.parquet(orders)
            w.warehouse.load(owners, LoadRequest("o", primary_key=["id"], **merge))
            kinds = pa.schema([("order_id", pa.int64()), ("item", pa.string())])
            of = Owners(owners, {"order_id": "id"}, "raw.o", owners)
            rows = pa.Table.from_pylist(items, kinds)
            w.load(rows, primary_key=["order_id", "item"], owners=of, **merge)

        items = [{"order_id": n, "item": item} for n, item in ((1, "a"), (1, "b"), (2, "c"))]
        load([{"id": 1}, {"id": 2}], items)
        load([{"id": 1}], [{"order_id": 1, "item": "b"}])
        assert w.rows() == [(1, "b"), (2, "c")]
        load([{"id": 2}], [])
        assert w.rows() == [(1, "b")]

    def test_a_run_is_seen_as_a_whole(self, w: Loaded) -> None:
        """Two readers see the last good state until the run is made visible, and then that one."""
        visible = self.atomic(w)
        w.load([{"id": 1}], visible.begin("run-1"), watermark=1)
        assert not visible.exists()
        assert visible.promote("run-1", KEEP)
        own = visible.begin("run-2")
        w.load([{"id": 2}], own, write_disposition="append", watermark=2)
        with (
            visible.connect(read_only=True) as one,
            visible.connect(read_only=True) as other,
        ):
            for reader in (one, other):
                assert reader.execute("FROM raw.t").fetchall() == [(1,)]
        assert visible.read_watermark("t") == 1
        assert w.rows(of=own) == [(1,), (2,)]
        assert own.read_watermark("t") == 2
        assert visible.begin("run-2").location == own.location
        assert visible.unfinished("run-2")
        assert visible.promote("run-2", KEEP)
        assert visible.is_promoted("run-2")
        assert not visible.is_promoted("run-1")
        assert w.rows() == [(1,), (2,)]
        assert visible.read_watermark("t") == 2
        assert not visible.promote("run-3", KEEP)

    def test_earlier_states_are_kept_compared_and_brought_back(self, w: Loaded) -> None:
        """As many as are asked for, the newest first, without those between runs of a backfill."""
        visible = self.atomic(w)
        for number in range(1, 6):
            w.load([{"id": number}], visible.begin(f"run-{number}"), watermark=number)
            visible.promote(f"run-{number}", KeepPolicy(2, 10.0, replaced=number != 5))
        present = visible.present()
        assert present is not None
        assert present.run_id == "run-5"
        assert [state.run_id for state in visible.kept()] == ["run-3", "run-2"]
        with visible.compare("run-2", "") as connection:
            found = connection.execute("SELECT b.id, a.id FROM before.raw.t b, after.raw.t a")
            assert found.fetchall() == [(2, 5)]
        with visible.compare("run-2", "run-3") as connection:
            assert connection.execute("FROM after.raw.t").fetchall() == [(3,)]
        visible.begin("restoring", state="run-2")
        visible.promote("restoring", KEEP)
        assert w.rows() == [(2,)]
        assert visible.read_watermark("t") == 2
        assert [state.run_id for state in visible.kept()] == ["run-5", "run-3"]
        with pytest.raises(DataflowError, match="not kept"):
            visible.begin("no-such", state="run-9")

    def test_a_killed_run_leaves_the_last_good_state(self, w: Loaded) -> None:
        """The next run begins from it; the one that was killed can be gone on with before that."""
        visible = self.atomic(w)
        w.load([{"id": 1}], visible.begin("run-1"), watermark=1)
        visible.promote("run-1", KEEP)
        killed_load(w, "run-2")
        assert w.rows() == [(1,)]
        assert visible.unfinished("run-2")
        own = visible.begin("run-3", resumes="run-2")
        assert w.rows(of=own) == [(1,)]
        own = visible.begin("run-4")
        assert w.rows(of=own) == [(1,)]
        with pytest.raises(DataflowError, match="is gone"):
            visible.begin("run-5", resumes="run-2")

    def test_a_table_that_a_step_makes_is_kept(self, w: Loaded) -> None:
        """What an author's own step writes through a connection is there afterwards."""
        w.load([{"id": 1}])
        with w.warehouse.connect() as connection:
            connection.execute("CREATE SCHEMA IF NOT EXISTS mine")
            connection.execute("CREATE TABLE mine.more AS SELECT id + 1 AS id FROM raw.t")
            save_watermark(connection, "t", "by hand")
        assert w.ask("FROM mine.more") == [(2,)]
        assert w.warehouse.read_watermark("t") == "by hand"

    def test_models_are_built_tested_and_published(self, w: Loaded) -> None:
        """A view and a table of dbt's, a test that fails, and the query of a dashboard."""
        from dataflow.modelling.build import ModelError, build_models
        from dataflow.publish.parquet import stage_workflow

        write_models(w.project)
        own = (
            w.warehouse.begin("run-1") if isinstance(w.warehouse, AtomicWarehouse) else w.warehouse
        )
        w.load([{"id": 1, "amount": 1.5}, {"id": 2, "amount": 2.25}], own)
        built = build_models(w.project, WORKFLOW, own)
        assert (built.models, built.tests) == (["staging.stg_t", "marts.t"], 1)
        assert w.ask("SELECT id, amount FROM marts.t ORDER BY id", own) == [(1, 1.5), (2, 2.25)]
        with own.connect(read_only=True) as connection:
            staged = stage_workflow(w.project, WORKFLOW, connection)
        assert staged.rows == {"totals": 1}
        assert duckdb_rows(staged.folder / "totals.parquet") == [(2.0, 3.75)]
        # Once more, on what is there; then with a row that a test of dbt's refuses.
        build_models(w.project, WORKFLOW, own)
        w.load([{"id": 2, "amount": 0.0}], own, write_disposition="append")
        with pytest.raises(ModelError, match="unique_stg_t_id"):
            build_models(w.project, WORKFLOW, own)

    def test_other_workflows_read_what_they_began_with(self, w: Loaded) -> None:
        """What was held stays as it was, whatever later runs do, until it is let go."""
        visible = self.atomic(w)
        if not isinstance(visible, ReadByOthers):
            pytest.skip("workflows that come after others cannot read tables of this kind")
        held = visible.held_for(w.project, WORKFLOW, "report")
        assert not held.exists()
        for number in (1, 2, 3, 4):
            w.load([{"id": number}], visible.begin(f"run-{number}"))
            visible.promote(f"run-{number}", KeepPolicy(0, 0))
            if number == 1:
                held.hold()
        assert held.exists()
        with held.connect() as connection:
            assert connection.execute("FROM raw.t").fetchall() == [(1,)]
        with visible.connect(read_only=True) as connection:
            held.attach(connection, "others")
            assert connection.execute("FROM others.raw.t").fetchall() == [(1,)]
        held.hold()
        with held.connect() as connection:
            assert connection.execute("FROM raw.t").fetchall() == [(4,)]
        held.release()
        assert not held.exists()

    def atomic(self, w: Loaded) -> AtomicWarehouse:
        """The warehouse, or no test, where the kind says that it changes step by step."""
        if not self.is_atomic:
            assert not isinstance(w.warehouse, AtomicWarehouse)
            pytest.skip("each step changes the tables of this kind when it ends")
        assert isinstance(w.warehouse, AtomicWarehouse)
        return w.warehouse
