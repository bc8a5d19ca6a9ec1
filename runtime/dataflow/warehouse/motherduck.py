"""The warehouse ``motherduck``: dlt's destination of that name, with dbt's way to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from dataflow.shared.config_types import Section, Text
from dataflow.shared.errors import BadInputError
from dataflow.warehouse.dlt_check import try_destination
from dataflow.warehouse.dlt_destination import DltDestination
from dataflow.warehouse.dlt_warehouse import open_tables
from dataflow.warehouse.kind import WarehouseKind

if TYPE_CHECKING:
    from dataflow.shared.project import Project
    from dataflow.warehouse.dlt_warehouse import DltWarehouse

TOKEN_VARIABLE = "MOTHERDUCK_TOKEN"  # noqa: S105


class MotherDuckSettings(Section):
    """Tables in a database of MotherDuck's."""

    type: Literal["motherduck"] = Field(description="Tables in MotherDuck.")
    database: Text = Field(description="The name of the database.")
    token: Text = Field(
        "", description=f"The token, as ${{VARIABLE}}. Without: the variable {TOKEN_VARIABLE}."
    )


def open_motherduck(
    settings: MotherDuckSettings, project: Project, workflow_id: str
) -> DltWarehouse:
    """The warehouse of one workflow; nothing is connected to yet.

    Raises:
        BadInputError: There is no token.
    """
    token = settings.token or project.values.get(TOKEN_VARIABLE, "")
    if not token:
        raise BadInputError(
            f"The warehouse is the database {settings.database!r} of MotherDuck, and there is no "
            "token for it.",
            f"Set {TOKEN_VARIABLE}, or name another variable: "
            'warehouse = {type = "motherduck", ..., token = "${VARIABLE}"}.',
        )
    login = {"database": settings.database, "password": token}
    path = f"md:{settings.database}?motherduck_token={token}"
    dbt = {"type": "duckdb", "path": path, "schema": "main", "threads": 1}
    return open_tables(DltDestination("motherduck", login), dbt, workflow_id)


def _check(settings: MotherDuckSettings, project: Project) -> str:
    tables = open_motherduck(settings, project, "check")
    return try_destination(tables.states.destination, tables.dbt)


KIND = WarehouseKind(MotherDuckSettings, open_motherduck, is_shared=True, check=_check)
