"""The plugin of dbt-duckdb by which dbt's connections attach lakes.

dbt runs in this process. So no login goes into a profile or the environment: the profile has a name
for each lake, and what it is was said before by `let_dbt_attach`. The profile is the same for each
run, though each run works on another catalog: dbt parses all models anew when it changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbt.adapters.duckdb.plugins import BasePlugin

from dataflow.warehouse.dbt_lakes import lake_of_dbt

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


class Plugin(BasePlugin):
    """Attaches the lakes of a profile before dbt does, which then finds them there."""

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Attach them."""
        for attached in (self.creds and self.creds.attach) or ():
            lake = lake_of_dbt(attached.path)
            if lake is not None and attached.alias:
                lake.place.prepare(conn)
                lake.place.attach(conn, attached.alias, read_only=lake.is_read_only)
