"""Names of columns are told apart, and SQL identifiers made of them, whatever they are."""

from __future__ import annotations

import re

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataflow.sources.column_names import distinct_names, sql_identifiers

anything = st.lists(st.text(max_size=20), max_size=12)


@settings(deadline=None)
@given(st.lists(st.sampled_from(["a", "A", "a_2", "A_3", "", " a ", "column_2", "b"]), max_size=9))
def test_names_differ_by_more_than_case_and_are_told(names: list[str]) -> None:
    """No two names are alike, none is empty, and every change has a note."""
    result, notes = distinct_names(names)
    assert len({name.lower() for name in result}) == len(names)
    assert all(result)
    changed = [name for name, new in zip(names, result, strict=True) if name.strip() != new]
    assert len(notes) == len(changed)


@settings(deadline=None)
@given(st.lists(st.text(min_size=1).map(lambda text: f"x{text}x"), unique_by=str.lower, max_size=9))
def test_good_names_stay(names: list[str]) -> None:
    """Names that are different already keep their case and order."""
    assert distinct_names(names) == (names, [])


@pytest.mark.parametrize(
    ("name", "identifier"),
    [
        ("id", "id"),
        ("Miles_per_Gallon", "miles_per_gallon"),
        ("depDelay", "dep_delay"),
        ("HTTPServerID", "http_server_id"),
        ("Total Amount (USD)", "total_amount_usd"),
        ("growth %", "growth_percent"),
        ("Größe", "grosse"),
        ("Straße", "strasse"),
        ("Œuvre", "oeuvre"),
        ("Prénom", "prenom"),
        ("Łódź", "lodz"),
        ("ﬁeld①", "field1"),
        ("2020", "col_2020"),
        ("日期", "column_1"),
        ("", "column_1"),
        ("__x__", "x"),
        ("select", "select_"),
        ("a" * 100, "a" * 60),
    ],
)
def test_identifiers_read_like_the_names(name: str, identifier: str) -> None:
    """An identifier is the name in lower snake_case, as far as ASCII goes."""
    assert sql_identifiers([name], {"select", "order"}) == [identifier]


def test_identifiers_are_told_apart() -> None:
    """Names that become the same are numbered, and leave to each the name it has by itself."""
    assert sql_identifiers(["A", "a", "a_2", "a b", "a-b"]) == ["a_3", "a", "a_2", "a_b", "a_b_2"]
    assert sql_identifiers(["order", "Order"], {"order"}) == ["order_", "order_2"]


@pytest.mark.slow
@settings(deadline=None)
@given(anything)
def test_identifiers_are_safe_and_unique(names: list[str]) -> None:
    """Any names give as many different identifiers that need no quotes."""
    identifiers = sql_identifiers(names, {"select", "a", "column_1"})
    assert len(set(identifiers)) == len(names)
    assert not {"select", "a", "column_1"} & set(identifiers)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", identifier) for identifier in identifiers)


@pytest.mark.slow
@settings(deadline=None)
@given(
    st.lists(
        st.from_regex(r"[a-z][a-z0-9]{0,5}(_[a-z][a-z0-9]{0,5})?", fullmatch=True), unique=True
    )
)
def test_good_identifiers_stay(names: list[str]) -> None:
    """What is an identifier already is not changed, in any company."""
    assert sql_identifiers(names) == names


def test_no_identifier_is_a_word_of_sql() -> None:
    """Every word of DuckDB's own is an identifier, or becomes one, that needs no quotes."""
    with duckdb.connect() as connection:
        rows = connection.execute("SELECT DISTINCT keyword_name FROM duckdb_keywords()").fetchall()
        query = (
            "SELECT DISTINCT keyword_name FROM duckdb_keywords() "
            "WHERE keyword_category IN ('reserved', 'type_function')"
        )
        reserved = {word for (word,) in connection.execute(query).fetchall()}
        for identifier in sql_identifiers([word for (word,) in rows], reserved):
            connection.execute(
                f"SELECT {identifier} FROM (SELECT 1 AS {identifier}) ORDER BY {identifier}"
            )
