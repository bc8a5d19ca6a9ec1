"""Building models where the warehouse calls schemas otherwise than the workflow's files do.

The files say ``raw``, ``staging`` and ``marts``, whatever the warehouse is, and so does everything
that reads dbt's artefacts. Between dbt's parse and its build, and only there, models and sources
have the names of the warehouse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.modelling.packages import UPSTREAM_PACKAGE
from dataflow.shared.sql import quote_identifier

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from dataflow.warehouse.kind import PlacesModels

_SELECTS = ("--exclude-resource-type", "--select")


def build_elsewhere(
    warehouse: PlacesModels,
    callbacks: list[Callable[[Any], None]],
    arguments: Sequence[str],
    target: Path,
) -> Any:
    """Have dbt parse a project, and build it in the schemas of a warehouse.

    Args:
        arguments: dbt's, with the command ``build`` among them.
        target: Where dbt's artefacts lie; there they have the names of the files.

    Returns:
        dbt's result; that of the parse, if it failed.
    """
    from dbt.cli.main import dbtRunner

    at = list(arguments).index("build")
    places = list(arguments[at + 1 :])
    # What is selected is the build's; a parse knows no such options.
    selects = [places.index(option) for option in _SELECTS if option in places]
    places = places[: min(selects, default=len(places))]
    parsed = dbtRunner().invoke([*arguments[:at], "parse", *places])
    if parsed.exception is not None or not parsed.success:
        return parsed
    manifest: Any = parsed.result
    placed = [
        (node, node.database, node.schema, node.relation_name)
        for node in (*manifest.nodes.values(), *manifest.sources.values())
        if getattr(node, "schema", None)
    ]
    for node, database, schema, relation in placed:
        upstream = database if node.package_name == UPSTREAM_PACKAGE else ""
        node.database, node.schema = warehouse.dbt_place(schema, upstream)
        if relation:
            name = getattr(node, "identifier", None) or node.alias
            parts = (node.database, node.schema, name)
            node.relation_name = ".".join(map(quote_identifier, parts))
    try:
        return dbtRunner(manifest=manifest, callbacks=callbacks).invoke(list(arguments))
    finally:
        plain = {_schema(node): quote_identifier(schema) for node, _, schema, _ in placed}
        for node, *_ in placed:
            if node.resource_type == "test" and getattr(node, "compiled_code", None):
                # Whoever tells what a test met asks the warehouse itself, by plain names.
                for there, here in plain.items():
                    node.compiled_code = node.compiled_code.replace(f"{there}.", f"{here}.")
        for node, database, schema, relation in placed:
            node.database, node.schema, node.relation_name = database, schema, relation
        manifest.write(str(target / "manifest.json"))


def _schema(node: Any) -> str:
    return f"{quote_identifier(node.database)}.{quote_identifier(node.schema)}"
