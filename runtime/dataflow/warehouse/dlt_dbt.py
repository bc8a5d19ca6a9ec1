"""How dbt reaches a destination of dlt's: the output of its profile, and names in its SQL."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from dataflow.shared.errors import BadInputError, MissingDependencyError

if TYPE_CHECKING:
    from collections.abc import Mapping

# What begins the names of the variables in which dbt finds what is said to it.
_VARIABLE = "DATAFLOW_DBT"
# In which key an output names the database, or catalog, that schemas are in.
_DATABASES = ("database", "dbname", "project", "catalog")
# Destinations that make capitals of names, as dlt and dbt write them there.
_IN_CAPITALS = ("snowflake",)
_WITH_BACKTICKS = ("bigquery", "databricks", "clickhouse")
_PLAIN = ("type", "schema", "dataset", *_DATABASES)
_PORTS = {"postgres": 5432, "redshift": 5439}


@dataclass(frozen=True)
class DltDbt:
    """dbt's side of a destination.

    Args:
        destination: As dlt calls it.
        credentials: As dlt takes them.
        said: The output that the setting gives; empty for one that follows from the credentials.
    """

    destination: str
    credentials: Any = field(repr=False)
    said: Mapping[str, Any] = field(repr=False)

    def output(self) -> dict[str, Any]:
        """An output of dbt's profile, without any secret.

        Raises:
            BadInputError: The setting has to give it.
            MissingDependencyError: The adapter is not installed.
        """
        given = self._given()
        adapter = str(given["type"])
        if find_spec("dbt") and not find_spec(f"dbt.adapters.{adapter}"):
            raise MissingDependencyError(
                f"dbt's adapter for {adapter} is not installed.",
                f"Install it: pip install dbt-{adapter}",
            )
        return dict(_without_values(given, _VARIABLE))

    def variables(self) -> dict[str, str]:
        """The variables that the output names."""
        return dict(_values(self._given(), _VARIABLE)) if self._is_known() else {}

    @property
    def database(self) -> str:
        """The database of the output, or catalog; empty if there is none."""
        given = self._given()
        if given["type"] == "duckdb":
            path = str(given["path"]).removeprefix("md:").partition("?")[0]
            return path.rsplit("/", 1)[-1].partition(".")[0]
        return next((str(given[key]) for key in _DATABASES if given.get(key)), "")

    def folded(self, name: str) -> str:
        """A name as the destination keeps it that dlt has written."""
        return name.upper() if self.destination in _IN_CAPITALS else name

    def relation(self, *names: str) -> str:
        """A table by the names of its database, its schema and itself, as SQL."""
        mark = "`" if self._given()["type"] in _WITH_BACKTICKS else '"'
        given = [self.folded(name).replace(mark, mark * 2) for name in names if name]
        return ".".join(f"{mark}{name}{mark}" for name in given)

    def _is_known(self) -> bool:
        return bool(self.said) or self.destination in (*_PORTS, "duckdb")

    def _given(self) -> dict[str, Any]:
        """The output with all that it has."""
        if self.said:
            if not isinstance(self.said.get("type"), str):
                raise BadInputError(
                    "[tool.dataflow] warehouse, dlt: dbt has no `type`, the name of the adapter.",
                    'Write the output as profiles.yml has it: dbt = {type = "...", ...}',
                )
            return {"schema": "main", "threads": 2, **self.said}
        if self.destination == "duckdb" and isinstance(self.credentials, str):
            path = self.credentials.removeprefix("duckdb:///")
            return {"type": "duckdb", "path": path, "schema": "main", "threads": 1}
        if self.destination in _PORTS and isinstance(self.credentials, str):
            return self._of_address()
        raise BadInputError(
            f"dbt has to be told how it reaches {self.destination}.",
            "Write the output as profiles.yml has it into the setting: "
            f'warehouse = {{type = "dlt", destination = "{self.destination}", ..., '
            'dbt = {type = "...", ...}}',
        )

    def _of_address(self) -> dict[str, Any]:
        address = urlsplit(self.credentials)
        return {
            "type": self.destination,
            "host": address.hostname or "localhost",
            "port": address.port or _PORTS[self.destination],
            "user": unquote(address.username or ""),
            "password": unquote(address.password or ""),
            "dbname": unquote(address.path.lstrip("/")),
            # What has no schema of its own.
            "schema": "main",
            "threads": 2,
        }


def _without_values(value: Any, name: str) -> Any:
    """The same with the name of a variable in place of each text."""
    if isinstance(value, dict):
        return {
            key: part if key in _PLAIN else _without_values(part, f"{name}_{str(key).upper()}")
            for key, part in value.items()
        }
    if isinstance(value, list):
        return [_without_values(part, f"{name}_{n}") for n, part in enumerate(value)]
    return f"{{{{ env_var('{name}') }}}}" if isinstance(value, str) and value else value


def _values(value: Any, name: str) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [
            found
            for key, part in value.items()
            if key not in _PLAIN
            for found in _values(part, f"{name}_{str(key).upper()}")
        ]
    if isinstance(value, list):
        return [found for n, part in enumerate(value) for found in _values(part, f"{name}_{n}")]
    return [(name, value)] if isinstance(value, str) and value else []
