"""Names become distinct, and identifiers that SQL needs no quotes for."""

from __future__ import annotations

import pytest

from dataflow.sources.column_names import compared_name, distinct_names, sql_identifiers


@pytest.mark.parametrize(
    ("name", "identifier"),
    [
        ("id", "id"),
        ("depDelay", "dep_delay"),
        ("HTTPServer", "http_server"),
        ("Größe (m)", "grosse_m"),
        ("Øl & Ærø", "ol_and_aero"),
        ("share %", "share_percent"),
        ("#1", "number_1"),
        ("2024", "col_2024"),
        ("", "column_1"),
        ("日本", "column_1"),
        ("x" * 61, "x" * 60),
        ("x" * 59 + "-y", "x" * 59),
    ],
)
def test_an_identifier_of_a_name(name: str, identifier: str) -> None:
    """Of small Latin letters, digits and underscores, as near to the name as it can be."""
    assert sql_identifiers([name]) == [identifier]


@pytest.mark.parametrize(
    ("names", "identifiers"),
    [
        (["a", "A"], ["a", "a_2"]),
        (["A", "a"], ["a_2", "a"]),
        (["a!", "a?", "a_2"], ["a", "a_3", "a_2"]),
        (["order", "order_"], ["order_2", "order_3"]),
        (["order"], ["order_"]),
        (["", "x", ""], ["column_1", "x", "column_3"]),
    ],
)
def test_identifiers_differ_and_are_no_words_of_sql(
    names: list[str], identifiers: list[str]
) -> None:
    """A name that is its own identifier keeps it."""
    reserved = ("order", "order_") if len(identifiers) == 2 and "order" in names else ("order",)
    assert sql_identifiers(names, reserved) == identifiers


@pytest.mark.parametrize(
    ("names", "agreed", "distinct", "notes"),
    [
        (["a", "b"], (), ["a", "b"], 0),
        ([" a ", "A"], (), ["a", "A_2"], 1),
        (["a", "a", "a_2"], (), ["a", "a_3", "a_2"], 1),
        (["a", "a", "a"], (), ["a", "a_2", "a_3"], 2),
        (["", "a", ""], (), ["column_1", "a", "column_3"], 2),
        (["", "column_1"], (), ["column_2", "column_1"], 1),
        (["id", "ID"], ("ID", "id_2"), ["id_2", "ID"], 1),
        (["id", "ID"], ("id", "ID_2"), ["id", "ID_2"], 1),
        (["id", "ID"], ("ID",), ["id_2", "ID"], 1),
        (["id"], ("ID", "id_2"), ["id"], 0),
        (["id", "ID", "Id"], ("ID", "id_2", "Id_3"), ["id_2", "ID", "Id_3"], 2),
    ],
)
def test_names_that_the_warehouse_tells_apart(
    names: list[str], agreed: tuple[str, ...], distinct: list[str], notes: int
) -> None:
    """Each that is changed is told; what was agreed decides which of them stays as it is."""
    found, told = distinct_names(names, agreed)
    assert (found, len(told)) == (distinct, notes)


def test_case_blanks_and_ways_to_write_a_mark_do_not_count() -> None:
    """Where names are compared."""
    assert compared_name(" Total\u00a0 Gro\u0308sse ") == compared_name("total grösse")
    assert compared_name("a b") != compared_name("ab")
