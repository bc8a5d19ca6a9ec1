"""Where dbt finds and puts tables in a destination of dlt's.

A run builds models in datasets of its own. What dbt goes on with, as incremental models do, it
finds there: the tables of the state before are copied when dbt first asks for their schema.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataflow.warehouse.dlt_dbt import DltDbt
    from dataflow.warehouse.dlt_destination import DltClient
    from dataflow.warehouse.dlt_known import State
    from dataflow.warehouse.dlt_states import DltStates


class DltPlaces:
    """The places of one run, or of the present state.

    Args:
        run_id: The run; empty for the present state.
    """

    def __init__(self, states: DltStates, dbt: DltDbt, run_id: str) -> None:
        self._states = states
        self._dbt = dbt
        self._run_id = run_id
        self._schemas: dict[tuple[str, str], str] = {}

    def of_schema(self, schema: str, upstream: str = "") -> tuple[str, str]:
        """The database and the dataset of a schema of models, with what the state before has.

        Args:
            upstream: The other workflow whose schema is meant; empty for the workflow's own.
        """
        known = self._schemas.get((schema, upstream))
        if known is None:
            with self._states.open() as client:
                if upstream:
                    known = self._of_other(client, upstream)["schemas"].get(schema, schema)
                else:
                    known = self._own(client, schema)
            self._schemas[schema, upstream] = known
        return self._dbt.database, self._dbt.folded(known)

    def of_table(self, schema: str, table: str, upstream: str = "") -> tuple[str, str, str]:
        """The database, the dataset and the name of a table that is read."""
        with self._states.open() as client:
            if upstream:
                state = self._of_other(client, upstream)
            else:
                state = self._states.state(client, self._run_id)
        place = state["tables"].get(f"{schema}.{table}")
        if place:
            dataset, table = place["dataset"], place["table"]
        else:
            dataset = state["schemas"].get(schema, f"{self._states.workflow_id}__{schema}")
        return self._dbt.database, self._dbt.folded(dataset), self._dbt.folded(table)

    def _of_other(self, client: DltClient, upstream: str) -> State:
        # Held by `DltHeld` before dbt begins.
        other = type(self._states)(self._states.destination, upstream)
        return other.held(client, self._states.workflow_id) or other.state(client)

    def _own(self, client: DltClient, schema: str) -> str:
        state = self._states.state(client, self._run_id)
        there = state["schemas"].get(schema)
        if there and not self._run_id:
            return str(there)
        token = self._states.token(client, self._run_id)
        own = self._states.dataset(token, schema)
        if there == own:
            return own
        self._states.note_dataset(client, token, own)
        client.create(own)
        if there:
            for table in client.tables(there):
                client.execute(
                    f"CREATE TABLE {client.relation(own, table)} AS "
                    f"SELECT * FROM {client.relation(there, table)}"
                )

        def note(state: State, _: str) -> None:
            state["schemas"][schema] = own

        self._states.change(client, self._run_id, note)
        return own
