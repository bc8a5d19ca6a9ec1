"""GeoJSON files: one row for each feature."""

from __future__ import annotations

import codecs
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dataflow.sources.documents import read_documents
from dataflow.sources.errors import SourceDataError
from dataflow.sources.records import JsonLines, read_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from dataflow.shared.contract import Contract
    from dataflow.sources.duckdb_session import NullValues
    from dataflow.sources.inference import TypedTable
    from dataflow.sources.local_file import LocalFile


def is_feature_collection(path: Path) -> bool:
    """Whether a JSON file's beginning says that it is a GeoJSON feature collection."""
    with path.open("rb") as file:
        start = file.read(4096).removeprefix(codecs.BOM_UTF8).lstrip()
    # A collection may also be a value somewhere in other JSON.
    own = re.match(rb'\{[^\[{]*"type"\s*:\s*"FeatureCollection"', start)
    # Members may come in any order; then only the whole document tells.
    late = start.startswith(b"{") and b'"features"' in start and own is None
    return own is not None or (late and _is_collection(path))


def _is_collection(path: Path) -> bool:
    try:
        document = json.loads(path.read_bytes())
    except ValueError:
        return False
    return isinstance(document, dict) and document.get("type") == "FeatureCollection"


def read_features(
    files: Sequence[LocalFile],
    folder: Path,
    null_values: NullValues = ("",),
    contract: Contract | None = None,
) -> TypedTable:
    """Read GeoJSON (RFC 7946) feature collections, or single features, as one table.

    The columns are the properties of all features, ``id`` where features have one, and the
    geometry as GeoJSON text, which every spatial database reads. A file is held in memory as a
    whole.
    """
    lines = []
    notes: list[str] = []
    for number, file in enumerate(files):
        features = _features(file)
        rows = JsonLines(folder / f"features-{number}.jsonl")
        rows.add(_rows(features, notes))
        lines.append(replace(file, path=rows.path, format="jsonl"))
    typed = read_documents(lines, null_values, lines=True, contract=contract)
    return replace(typed, notes=notes + typed.notes)


def _features(file: LocalFile) -> list[dict[str, Any]]:
    document = read_json(file)
    features = document.get("features") if isinstance(document, dict) else None
    if features is None and isinstance(document, dict) and document.get("type") == "Feature":
        features = [document]
    if not isinstance(features, list) or not all(isinstance(item, dict) for item in features):
        raise SourceDataError(
            f"{file.shown} is not a GeoJSON feature collection: it has no list of features.",
            "Set `ingestion.source.format` to json if it is some other JSON.",
        )
    return features


def _rows(features: list[dict[str, Any]], notes: list[str]) -> Iterator[dict[str, Any]]:
    properties = {key for feature in features for key in feature.get("properties") or {}}
    has_id = any("id" in feature for feature in features)
    names = {}
    for own in (["id"] if has_id else []) + ["geometry"]:
        names[own] = own if own not in properties else f"feature_{own}"
        if names[own] != own:
            note = f"A property is called {own!r}; the feature's own is read as {names[own]!r}."
            notes += [] if note in notes else [note]
    for feature in features:
        row = {names["id"]: feature.get("id")} if has_id else {}
        row |= feature.get("properties") or {}
        shape = feature.get("geometry")
        row[names["geometry"]] = None if shape is None else json.dumps(shape)
        yield row
