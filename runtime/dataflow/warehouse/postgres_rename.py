"""A workflow's schemas in Postgres under another workflow's name, in one transaction."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import BadInputError
from dataflow.warehouse.postgres_schemas import drop_schemas, known_schemas, rename_schemas
from dataflow.warehouse.postgres_states import PostgresStates

if TYPE_CHECKING:
    import psycopg

    from dataflow.warehouse.postgres_server import PostgresServer


def rename_workflow(server: PostgresServer, old: str, new: str) -> None:
    """Give the present and the kept states another name; what a failed run has left is given up.

    What is done already is not done again.

    Raises:
        BadInputError: There are tables of the new name.
        WarehouseError: A run of the workflow is at work, or the server cannot be reached.
    """
    states = PostgresStates(server, old)
    with server.faults():
        states.hold(alone=True)
    try:
        _rename(server, old, new)
    finally:
        states.let_go()


def _rename(server: PostgresServer, old: str, new: str) -> None:
    with server.connect() as connection:
        there = connection.execute(
            "SELECT to_regclass('dataflow.workflows') IS NOT NULL"
        ).fetchone()
        known = _known(connection, old) if there and there[0] else None
        if known is None and not known_schemas(connection, f"{old}__"):
            return
        if known_schemas(connection, f"{new}__"):
            raise BadInputError(
                f"There are tables of {new} in {server.location} already.",
                "Choose another name, or drop them.",
            )
        for begins in (f"{old}+new+", f"{old}+for+"):
            drop_schemas(connection, begins)
        rename_schemas(connection, f"{old}__", f"{new}__")
        rename_schemas(connection, f"{old}+old+", f"{new}+old+")
        if known is None:
            return
        known.pop("work", None)
        for each in known.get("kept", []):
            each["prefix"] = f"{new}{str(each['prefix']).removeprefix(old)}"
        connection.execute("DELETE FROM dataflow.workflows WHERE workflow_id = %s", [new])
        connection.execute(
            "UPDATE dataflow.workflows SET workflow_id = %s, known = %s WHERE workflow_id = %s",
            [new, json.dumps(known), old],
        )


def _known(connection: psycopg.Connection[Any], workflow_id: str) -> dict[str, Any] | None:
    row = connection.execute(
        "SELECT known FROM dataflow.workflows WHERE workflow_id = %s FOR UPDATE", [workflow_id]
    ).fetchone()
    return dict(json.loads(row[0])) if row else None
