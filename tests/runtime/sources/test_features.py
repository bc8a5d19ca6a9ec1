"""GeoJSON feature collections give a row for each feature."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dataflow.sources.errors import SourceDataError

POINT = {"type": "Point", "coordinates": [1.5, 2]}
LINE = {"type": "LineString", "coordinates": [[1, 2], [3, 4]]}


def collection(*features: dict[str, Any]) -> str:
    return json.dumps({"type": "FeatureCollection", "features": list(features)})


@pytest.mark.parametrize("name", ["a.geojson", "a.json"])
def test_features_are_rows(read: Any, name: str) -> None:
    """Properties are columns, the geometry is GeoJSON text, whatever its kind."""
    text = collection(
        {"type": "Feature", "id": 7, "properties": {"name": "x"}, "geometry": POINT},
        {"type": "Feature", "properties": None, "geometry": LINE},
        {"type": "Feature", "properties": {"v": 1}, "geometry": None},
    )
    rows = read(name, text)["data"].to_pylist()
    shapes = [row.pop("geometry") for row in rows]
    assert [shape and json.loads(shape) for shape in shapes] == [POINT, LINE, None]
    assert rows == [
        {"id": 7, "name": "x", "v": None},
        {"id": None, "name": None, "v": None},
        {"id": None, "name": None, "v": 1},
    ]


def test_properties_keep_their_names(read: Any) -> None:
    """Properties called id or geometry are not overwritten by the feature's own."""
    text = collection({"id": "f1", "properties": {"id": 1, "geometry": "g"}, "geometry": POINT})
    result = read("a.geojson", text)
    (row,) = result["data"].to_pylist()
    assert (row["id"], row["geometry"], row["feature_id"]) == (1, "g", "f1")
    assert json.loads(row["feature_geometry"]) == POINT
    assert len(result["metadata"]["notes"]) == 2


@pytest.mark.parametrize("text", ["{", "[]", '{"features": 1}', '{"features": [1]}'])
def test_what_is_no_collection_is_refused(read: Any, text: str) -> None:
    """A .geojson file without features is an error that names it."""
    with pytest.raises(SourceDataError, match=r"a\.geojson"):
        read("a.geojson", text)


def test_a_collection_inside_other_json_is_a_value(read: Any) -> None:
    """Only a document that is a collection itself is one; its members may come in any order."""
    shape = {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": POINT}]}
    assert read("a.json", json.dumps([{"name": "x", "shape": shape}]))["data"].num_rows == 1
    (row,) = read("b.json", json.dumps({"name": "x", "shape": shape}))["data"].to_pylist()
    assert row["name"] == "x"
    late = {"features": [{"properties": {"v": 1}}, {"properties": {"v": 2}}], "type": shape["type"]}
    assert read("c.json", json.dumps(late))["data"].to_pydict()["v"] == [1, 2]


def test_a_single_feature_is_one_row(read: Any) -> None:
    """A file may hold one feature without a collection around it."""
    text = json.dumps({"type": "Feature", "properties": {"v": 1}, "geometry": None})
    assert read("a.geojson", text)["data"].to_pylist() == [{"v": 1, "geometry": None}]
