"""What is wrong between where rows come from and how they are loaded, in a whole config.yaml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dataflow.shared.config_types import FaultsBetween, Section, refusal

if TYPE_CHECKING:
    from dataflow.shared.finding import KeyPath


def faults_of_loads(values: Mapping[str, Any]) -> FaultsBetween:
    """Faults between sources and loads.

    Args:
        values: config.yaml as plain values, which may each be wrong as well.

    Yields:
        The path of the key to put right, and why.
    """
    ingestion, load = _mapping(values.get("ingestion")), _mapping(values.get("load"))
    sources = _mapping(ingestion.get("sources"))
    if not sources:
        if "table" not in load and isinstance(values.get("load"), Mapping):
            yield ("load", "table"), refusal("is missing")
        yield from _of_one(ingestion, load, (("load",), ("load",)), ("ingestion",))
        yield from _same_tables([(("load", "table"), load.get("table"))], ingestion)
        return
    if load.get("table") is not None:
        hint = "write it into `load` of the source that it is for"
        yield ("load", "table"), refusal("is one table, and there are several sources", hint=hint)
    named: list[tuple[KeyPath, Any]] = []
    for name, given in sources.items():
        part, path = _mapping(given), ("ingestion", "sources", str(name))
        own = _mapping(part.get("load"))
        ways = tuple((*path, "load") if key in own else ("load",) for key in _TOLD)
        merged = {**load, **{key: value for key, value in own.items() if value is not None}}
        yield from _of_one(part, merged, ways, path)
        table = own.get("table")
        where = (*path, "load", "table") if table is not None else path
        named.append((where, table if table is not None else str(name)))
        named += [((*path, "child_tables", str(n)), n) for n in _mapping(part.get("child_tables"))]
    yield from _repeated(named)


def faults_of_absent_ingestion(values: Mapping[str, Any]) -> FaultsBetween:
    """What is wrong in a file that names no source.

    Yields:
        The path of the key to put right, and why: as `faults_of_loads`.
    """
    if "ingestion" in values:
        return
    workflow = _mapping(values.get("workflow"))
    if not workflow.get("after"):
        hint = (
            "write `ingestion.source`, or `workflow.after` with the workflows whose tables the "
            "models read"
        )
        yield ("ingestion",), refusal("is missing", hint=hint)
        return
    reason = "needs rows of a source, and there is no `ingestion`: leave it out"
    if workflow.get("partition") is not None:
        yield ("workflow", "partition"), refusal(reason, of_key=True)
    if values.get("transformation"):
        yield ("transformation",), refusal(reason, of_key=True)
    for key in _mapping(values.get("load")):
        # Reading the file fills in the table.
        if key != "table":
            yield ("load",), refusal(reason, of_key=True)
            return


# Where faults about these keys are told.
_TOLD = ("write_disposition", "primary_key")


def _of_one(
    source: Mapping[str, Any],
    load: Mapping[str, Any],
    ways: tuple[tuple[str, ...], ...],
    path: tuple[str, ...],
) -> FaultsBetween:
    """What is wrong between one source and its load, the defaults of `load` filled in."""
    disposition, key = load.get("write_disposition"), load.get("primary_key")
    incremental = _mapping(source.get("source")).get("incremental")
    if incremental is not None and disposition in (None, "replace"):
        reason = "would drop the rows of earlier runs, as the source has `incremental`"
        place = (*ways[0], "write_disposition")
        yield place, refusal(f"`replace` {reason}", "append, merge")
    if disposition != "merge":
        return
    if not key:
        where = (*path, "load") if "sources" in path else ("load",)
        reason = "is missing, and `write_disposition: merge` needs it"
        yield (*where, "primary_key"), refusal(reason)
    keys = [key] if isinstance(key, str) else key if isinstance(key, list) else []
    for name, child in _mapping(source.get("child_tables")).items():
        parent = _mapping(_mapping(child).get("parent"))
        lacking = [str(column) for column in keys if column not in parent.values()]
        if parent and lacking:
            reason = f"lacks {', '.join(lacking)} of the primary key, by which `merge` finds items"
            yield (*path, "child_tables", str(name), "parent"), refusal(reason)


def _same_tables(named: list[tuple[Any, Any]], source: Mapping[str, Any]) -> FaultsBetween:
    children = _mapping(source.get("child_tables"))
    path = ("ingestion", "child_tables")
    yield from _repeated([*named, *(((*path, str(name)), name) for name in children)])


def _repeated(named: list[tuple[Any, Any]]) -> FaultsBetween:
    """Tables of one name; the warehouse does not tell capitals from small letters."""
    seen: set[str] = set()
    for path, table in _texts(named):
        if table.lower() in seen:
            yield path, refusal(f"would load a second table `{table}`")
        seen.add(table.lower())


def _texts(named: list[tuple[Any, Any]]) -> Iterator[tuple[Any, str]]:
    yield from ((path, str(table)) for path, table in named if isinstance(table, (str, int)))


def _mapping(value: Any) -> Mapping[str, Any]:
    if isinstance(value, Section):
        return value.model_dump(by_alias=True, exclude_none=True, exclude_defaults=True)
    return value if isinstance(value, Mapping) else {}
