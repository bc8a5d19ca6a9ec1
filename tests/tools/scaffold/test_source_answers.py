"""From what a person types, and what an inspection finds, to sources."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dataflow.shared.errors import BadInputError
from dataflow_tools.scaffold.source_answers import (
    configured_source,
    described_source,
    named_sources,
)


def test_names_stand_before_locations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address with `=` in it, and a folder that is called so, are no names."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "year=2024").mkdir()
    assert named_sources(["a=x.csv", "b=https://h/?q=1"], {}) == {
        "a": "x.csv",
        "b": "https://h/?q=1",
    }
    assert named_sources(["https://h/?q=1"], {}) == {"": "https://h/?q=1"}
    assert named_sources(["year=2024"], {}) == {"": "year=2024"}


@pytest.mark.parametrize(
    ("locations", "given", "told"),
    [
        (["a=x.csv", "y.csv"], {}, "has no name"),
        (["a=x.csv", "a=y.csv"], {}, "Two sources are called a"),
        (["Select=x.csv"], {}, "cannot be the name of a table"),
        (["order=x.csv"], {}, "cannot be the name of a table"),
        (["a=x.csv", "b=y.csv"], {"source_settings": {}}, "is for one source"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(
    locations: list[str], given: dict[str, Any], told: str
) -> None:
    """Before anything is looked at."""
    with pytest.raises(BadInputError, match=told):
        named_sources(locations, given)


def test_one_of_several_sources_leaves_its_login_to_its_own_variables() -> None:
    """As the template writes the first one; looking at it takes the one that is set."""
    answers = {"source_type": "api", "source_url": "https://h/x", "auth_type": "bearer_token"}
    assert configured_source({**answers, "source_settings": {"paging": {"type": "none"}}}) == {
        "type": "api",
        "url": "https://h/x",
        "auth_type": "bearer_token",
        "data_path": None,
        "paging": {"type": "none"},
    }
    for variable in ("SHOP_ORDERS_TOKEN", "SHOP_TOKEN"):
        where = {"type": "api", "url": "https://h/x"}
        found = described_source("shop", where, answers, {variable: "s3same"}, "orders")
        assert found == {**where, "auth_type": "bearer_token", "token": "s3same"}


def test_a_login_is_for_apis_alone() -> None:
    """A file beside them is read without."""
    where = {"type": "file", "url": "a.csv"}
    assert described_source("shop", where, {"auth_type": "bearer_token"}, {}, "a") == where
