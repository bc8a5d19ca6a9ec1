"""Building models where the warehouse calls schemas otherwise than the workflow's files do.

The files say ``raw``, ``staging`` and ``marts``, whatever the warehouse is, and so does everything
that reads dbt's artefacts. Between dbt's parse and its build, and only there, models and sources
have the names of the warehouse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.modelling.packages import UPSTREAM_PACKAGE
from dataflow.shared.sql import quote_identifier
from dataflow.warehouse.capabilities import PlacesTables

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dataflow.warehouse.kind import PlacesModels

_SELECTS = ("--exclude-resource-type", "--select")


def build_elsewhere(
    warehouse: PlacesModels,
    callbacks: list[Callable[[Any], None]],
    arguments: Sequence[str],
) -> Any:
    """Have dbt parse a project, and build it in the schemas of a warehouse.

    Args:
        arguments: dbt's, with the command ``build`` among them.

    Returns:
        dbt's result; that of the parse, if it failed.
    """
    from dbt.cli.main import dbtRunner

    parsed = parse(arguments)
    if parsed.exception is not None or not parsed.success:
        return parsed
    manifest: Any = parsed.result
    placed = [
        (node, node.database, node.schema, node.relation_name, _identifier(node))
        for node in (*manifest.nodes.values(), *manifest.sources.values())
        if getattr(node, "schema", None)
    ]
    for node, database, schema, relation, identifier in placed:
        upstream = database if node.package_name == UPSTREAM_PACKAGE else ""
        name = identifier or str(getattr(node, "alias", ""))
        if identifier and isinstance(warehouse, PlacesTables):
            place = warehouse.dbt_table(schema, identifier, upstream)
            node.database, node.schema, node.identifier = place
            name = node.identifier
        else:
            node.database, node.schema = warehouse.dbt_place(schema, upstream)
        if relation:
            node.relation_name = _relation(warehouse, node.database, node.schema, name)
    try:
        return dbtRunner(manifest=manifest, callbacks=callbacks).invoke(list(arguments))
    finally:
        plain = {}
        for node, _, schema, relation, identifier in placed:
            if identifier and relation:
                # A source may have another name there, too.
                here = f"{quote_identifier(schema)}.{quote_identifier(identifier)}"
                plain[node.relation_name] = here
        for node, _, schema, *_ in placed:
            there = _relation(warehouse, node.database, node.schema)
            plain[f"{there}."] = f"{quote_identifier(schema)}."
        for node, *_ in placed:
            if node.resource_type == "test" and getattr(node, "compiled_code", None):
                # Whoever tells what a test met asks the warehouse itself, by plain names.
                for there, here in plain.items():
                    node.compiled_code = node.compiled_code.replace(there, here)
        for node, database, schema, relation, identifier in placed:
            node.database, node.schema, node.relation_name = database, schema, relation
            if identifier:
                node.identifier = identifier


def parse(arguments: Sequence[str]) -> Any:
    """Have dbt parse the project that it is to build; the result has its manifest.

    Args:
        arguments: Those of the build, with the command ``build`` among them.
    """
    from dbt.cli.main import dbtRunner

    at = list(arguments).index("build")
    places = list(arguments[at + 1 :])
    # What is selected is the build's; a parse knows no such options.
    selects = [places.index(option) for option in _SELECTS if option in places]
    return dbtRunner().invoke(
        [*arguments[:at], "parse", *places[: min(selects, default=len(places))]]
    )


def _identifier(node: Any) -> str:
    """What a source is called in its schema; empty for a model."""
    return str(node.identifier) if node.resource_type == "source" else ""


def _relation(warehouse: PlacesModels, *names: str) -> str:
    if isinstance(warehouse, PlacesTables):
        return warehouse.dbt_relation(*names)
    return ".".join(map(quote_identifier, names))
