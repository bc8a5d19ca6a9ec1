"""The environments of a project: its settings for a laptop, for production, for a cluster.

``[tool.dataflow.environments.<name>]`` has settings that count before those of ``[tool.dataflow]``
when that environment is chosen, by ``DATAFLOW_ENV`` or ``--env``. Without a choice a project has
the settings of ``[tool.dataflow]`` alone.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import BadInputError
from dataflow.shared.suggestion import as_sentence, did_you_mean

if TYPE_CHECKING:
    from pathlib import Path

ENVIRONMENT_VARIABLE = "DATAFLOW_ENV"
# The key of all environments in ``[tool.dataflow]``.
_TABLE = "environments"
_FILES = "duckdb"
# The kinds of warehouses whose keys are known here, and those of their keys that name a place.
_KNOWN = (_FILES, "ducklake", "postgres")
_PLACES = ("url", "catalog", "data")


def chosen_environment() -> str:
    """The name of the environment that this process runs in; empty for none."""
    return os.environ.get(ENVIRONMENT_VARIABLE, "").strip()


def with_environment(own: dict[str, Any], path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The settings of a project as the chosen environment has them, and where each stands.

    Args:
        own: The table ``[tool.dataflow]``.
        path: The file that it is from.

    Raises:
        BadInputError: There is no such environment, or one is not a table.

    >>> from pathlib import Path
    >>> with_environment({"api_port": 8001}, Path("pyproject.toml"))
    ({'api_port': 8001}, {'api_port': 'pyproject.toml, [tool.dataflow]'})
    """
    table = {key: value for key, value in own.items() if key != _TABLE}
    origin = dict.fromkeys(table, f"{path}, [tool.dataflow]")
    name = chosen_environment()
    if not name:
        return table, origin
    known = known_environments(own, path)
    if name not in known:
        meant = as_sentence(did_you_mean(name, list(known)))
        there = f"There are: {', '.join(known)}." if known else "The project has none yet."
        raise BadInputError(
            f"{path} has no environment {name!r}.",
            f"{meant} {there} Add [tool.dataflow.{_TABLE}.{name}], or choose another by --env or "
            f"{ENVIRONMENT_VARIABLE}.".strip(),
        )
    chosen = known[name]
    table.update(chosen)
    origin.update(dict.fromkeys(chosen, f"{path}, [tool.dataflow.{_TABLE}.{name}]"))
    return table, origin


def known_environments(own: dict[str, Any], path: Path) -> dict[str, dict[str, Any]]:
    """The environments of a project with the settings of each, in the order of the file.

    Args:
        own: The table ``[tool.dataflow]``.
        path: The file that it is from.

    Raises:
        BadInputError: One is not a table.
    """
    known = own.get(_TABLE, {})
    if not isinstance(known, dict) or not all(isinstance(each, dict) for each in known.values()):
        raise BadInputError(
            f"{path}: [tool.dataflow.{_TABLE}] is not a table of environments.",
            f"Write each as [tool.dataflow.{_TABLE}.NAME], with its settings below.",
        )
    return known


def environment_apart(own: dict[str, Any], path: Path) -> str:
    """The chosen environment, if its tables are others than those of the project without one.

    What is embedded is its own then as well: dashboards, history, locks, what steps hand over.
    Two environments on the same tables share all of it, the locks above all. What is the same by
    its writing is taken for the same, whatever ``${NAME}`` gives.

    Args:
        own: The table ``[tool.dataflow]``.
        path: The file that it is from.

    Raises:
        BadInputError: An environment is not a table.

    >>> from pathlib import Path
    >>> environment_apart({"data_dir": "data"}, Path("pyproject.toml"))
    ''
    """
    name = chosen_environment()
    chosen = known_environments(own, path).get(name) if name else None
    if not chosen:
        return ""
    return name if _tables({**own, **chosen}, path) != _tables(own, path) else ""


def written_for_environment(own: dict[str, Any], path: Path, key: str) -> bool:
    """Whether a setting is the chosen environment's own, or a variable's of this process."""
    chosen = known_environments(own, path).get(chosen_environment()) or {}
    return key in chosen or f"DATAFLOW_{key.upper()}" in os.environ


def _tables(table: dict[str, Any], path: Path) -> tuple[Any, ...]:
    """What tells where the tables are; of a variable of the process both sides know."""
    kind = os.environ.get("DATAFLOW_WAREHOUSE") or table.get("warehouse") or _FILES
    keys = kind if isinstance(kind, dict) else {"type": kind}
    folder = os.environ.get("DATAFLOW_DATA_DIR") or table.get("data_dir") or "data"
    # Without a catalog on a server the tables lie in the folder, as those of DuckDB do.
    catalog = str(keys.get("catalog", ""))
    is_here = keys.get("type") == _FILES or (
        keys.get("type") == "ducklake" and "://" not in catalog
    )
    place = {key: value for key, value in keys.items() if key in _PLACES}
    if keys.get("type") not in _KNOWN:
        place = keys
    return keys.get("type"), place, (path.parent / str(folder)).resolve() if is_here else None
