"""Several sources in one config.yaml: what is taken, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dataflow.shared.config import load_config, read_config

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dataflow.shared.project import Project

    Faults = Callable[..., list[str]]
    Write = Callable[..., Path]

SEVERAL = """\
workflow: {name: "Shop"}
ingestion:
  sources:
    customers:
      source: {type: file, url: customers.csv}
      columns: {id: bigint, name: text}
    orders:
      source: {type: database, url: a.db, table: orders, incremental: {column: id}}
      load: {write_disposition: merge, table: sold}
      child_tables:
        orders_lines: {path: lines, parent: {order_id: id}}
load: {write_disposition: replace, primary_key: id}
"""


def test_each_source_has_a_table_and_the_section_loads_defaults(
    project: Project, write: Write
) -> None:
    """The table is called like the source, and what a source leaves out stands in `load`."""
    config = read_config(write(SEVERAL), project=project)
    tables = {table.name: table for table in config.tables}
    assert list(tables) == ["customers", "orders"]
    customers, orders = tables["customers"].load, tables["orders"].load
    assert (customers.table, customers.write_disposition) == ("customers", "replace")
    assert (orders.table, orders.write_disposition, orders.primary_key) == ("sold", "merge", ["id"])
    assert tables["customers"].contract is not None
    assert list(tables["orders"].child_tables) == ["orders_lines"]


def test_plain_values_have_what_the_file_has(project: Project, write: Write) -> None:
    """`load_config` has `source` for one, `sources` for several, and never both."""
    one = load_config("flights", project)["ingestion"]
    several = read_config(write(SEVERAL), project=project).model_dump(by_alias=True)["ingestion"]
    assert set(several) == {"sources", "parameters"}
    assert several["sources"]["orders"]["source"]["url"] == "a.db"
    assert set(one) == {"source", "parameters", "columns", "on_change"}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("  sources:", "  source: {type: file, url: x}\n  sources:", "stands beside `sources`"),
        ("  sources:", "  sourcess:", "did you mean `sources`?"),
        ("customers:\n", "Cus tomers:\n", "cannot be the name of a table"),
        ("table: sold", "table: Customers", "would load a second table `Customers`"),
        ("orders_lines: {", "customers: {", "would load a second table `customers`"),
        (", primary_key: id", "", "orders.load.primary_key: is missing"),
        ("merge, table", "replace, table", "would drop the rows of earlier runs"),
        ("order_id: id", "order_id: nr", "lacks id of the primary key"),
        ("name: text", "name: txt", "sources.customers.columns.name"),
        ("load: {write_disposition: replace", "load: {table: t", "there are several sources"),
        ("url: customers.csv", "ulr: customers.csv", "did you mean `url`?"),
        ("    orders:\n      source", "    orders:\n      sorce", "did you mean `source`?"),
    ],
)
def test_what_does_not_fit_names_its_source(faults: Faults, old: str, new: str, told: str) -> None:
    """Each fault stands at its key, below the name of its source."""
    assert old in SEVERAL
    found = faults(SEVERAL.replace(old, new, 1))
    assert told in "\n".join(found)


def test_one_source_where_several_are_expected(faults: Faults) -> None:
    """`sources` with a single source below it is told what to write."""
    text = 'workflow: {name: "a"}\ningestion:\n  sources: {type: file, url: a.csv}\n'
    assert "write `source`" in "\n".join(faults(text))


def test_no_source_at_all_is_missing(faults: Faults) -> None:
    """As before there were several."""
    assert any(
        "ingestion.source: is missing" in f
        for f in faults('workflow: {name: "a"}\ningestion: {}\n')
    )
