"""Views by which people and their tools find a workflow's tables in a destination of dlt's.

The tables of a state are in datasets that are called after its runs. The views have names that
stay, ``orders__marts.orders``, and follow the present state after each promotion, one by one.
What the library itself reads does not go through them.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from dataflow.shared.logging import get_logger
from dataflow.warehouse.dlt_shown import Place, places_of

if TYPE_CHECKING:
    from dataflow.warehouse.dlt_destination import DltClient
    from dataflow.warehouse.dlt_known import State

log = get_logger(__name__)


def follow(client: DltClient, workflow_id: str, state: State) -> None:
    """Let the views show a state; what goes wrong is told, and the run has succeeded all the same.

    Args:
        state: The present one.
    """
    from dlt.common.exceptions import DltException

    by_schema: dict[str, dict[str, Place]] = defaultdict(dict)
    try:
        for name, place in places_of(client, state).items():
            schema, _, table = name.partition(".")
            by_schema[f"{workflow_id}__{schema}"][table] = place
        for dataset, tables in by_schema.items():
            client.create(dataset)
            for gone in client.relations(dataset).keys() - tables.keys():
                client.execute(f"DROP VIEW {client.relation(dataset, gone)}")
            for table, place in tables.items():
                _show(client, client.relation(dataset, table), place)
    except DltException as error:
        log.warning("a view does not show the present tables", error=str(error)[:300])


def _show(client: DltClient, view: str, place: Place) -> None:
    from dlt.common.exceptions import DltException

    query = f"SELECT * FROM {client.relation(place.dataset, place.table)}"
    try:
        client.execute(f"CREATE OR REPLACE VIEW {view} AS {query}")
    except DltException:
        # Not every destination has that, and not with other columns.
        client.execute(f"DROP VIEW IF EXISTS {view}")
        client.execute(f"CREATE VIEW {view} AS {query}")


def drop(client: DltClient, workflow_id: str, state: State) -> None:
    """Drop the datasets of the views."""
    for schema in {name.partition(".")[0] for name in state["tables"]} | set(state["schemas"]):
        client.drop(f"{workflow_id}__{schema}")
