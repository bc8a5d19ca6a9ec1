"""Texts such as ``NA`` that stand for a missing value in columns that are otherwise numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dataflow.shared.sql import quote_literal
from dataflow.sources.duckdb_session import open_engine
from dataflow.sources.inference import read_typed
from dataflow.sources.type_rules import trimmed
from dataflow_tools.inspection.looked_at import LookedAt
from dataflow_tools.inspection.profile import column_kinds, plain_kind
from dataflow_tools.inspection.questions import Questions

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from dataflow.sources.kept_rows import KeptRows


_MARKERS = frozenset(
    {"na", "n/a", "#n/a", "n.a.", "null", "none", "nil", "nan", "-", "--", "---", ".", "..", "?"}
    | {"*", "missing", "\\n", "(null)", "<na>", "(none)", "unknown", "#value!", "#div/0!"}
    | {
        ":",
        "/",
        "x",
        "\u2013",
        "\u2014",
        "\u2026",
        "...",
        "n.d.",
        "n/d",
        "nd",
        "n.v.",
        "k.a.",
        "k. a.",
        "s.o.",
    }
    | {"[x]", "[z]", "[c]", "[low]", "not available", "not applicable", "tbd", "(leer)", "#n/d"}
    | {"#ref!", "#num!", "#name?", "#null!", "#n/a n/a", ""}
)


def find_null_markers(
    connection: duckdb.DuckDBPyConnection, names: Sequence[str]
) -> dict[str, list[str]]:
    """The markers in each text column that has numbers or dates, and nothing else, beside them.

    Args:
        names: Those of the columns of the relation ``data``.

    Returns:
        Lists of markers, as they are written, by the name of the column.
    """
    questions = Questions(connection)
    columns = zip(names, column_kinds(connection).items(), strict=True)
    found = questions.each(columns, lambda each: _found(questions, each[0], *each[1]))
    return {name: markers for name, markers in zip(names, found, strict=True) if markers}


def _found(questions: Questions, name: str, key: str, kind: str) -> list[str]:
    if plain_kind(kind) == "VARCHAR":
        return _markers(questions, name, key)
    has_nan = kind in ("DOUBLE", "FLOAT") and questions.value(f"bool_or(isnan({key}))")
    return ["NaN", "nan", "NAN"] if has_nan else []


def _markers(questions: Questions, name: str, key: str) -> list[str]:
    """The markers in a text column, if it gets another type without them."""
    text = f"lower({trimmed(key)})"
    known = ", ".join(quote_literal(marker) for marker in sorted(_MARKERS))
    # Blanks alone are one as well; an empty text is what it is by a setting already.
    marked = f"{key} <> '' AND {text} IN ({known})"
    written = questions.value(f"list(DISTINCT {trimmed(key)}) FILTER ({marked})")
    if not written:
        return []
    if key not in (kinds := questions.kinds):
        others = f"(SELECT {key} AS c0 FROM data WHERE {text} NOT IN ({known}))"  # noqa: S608
        typed = read_typed(questions.connection, others, [name])
        kinds[key] = str(typed.table.schema.field(0).type)
    return sorted(map(str, written)) if kinds[key] != "string" else []


def suggest_null_values(
    table: KeptRows, given: Sequence[str] | Mapping[str, Sequence[str]] | None
) -> tuple[list[str] | dict[str, list[str]], list[str]]:
    """The texts that mean no value in a table of a file, and what a person should know of them.

    What is found is said of the columns in which it was found only: the `NA` that is no value among
    numbers is Namibia in another column.

    Args:
        given: What is known to mean no value, in all columns or by column; None for an empty text.
    """
    import pyarrow as pa

    with open_engine() as connection:
        LookedAt(connection, table)
        markers = find_null_markers(connection, table.column_names)
        texts = sorted({marker for of_column in markers.values() for marker in of_column})
        counts = _occurrences(connection, texts) if texts else {}
    if isinstance(given, Mapping):
        known = {name: list(texts) for name, texts in given.items()}
        everywhere = [""]
    else:
        known, everywhere = {}, [""] if given is None else list(given)
    if not markers:
        return known or everywhere, []
    found = known | {
        name: list(dict.fromkeys([*known.get(name, everywhere), *texts]))
        for name, texts in markers.items()
    }
    # What means no value in one column of a file is no number or date in another either.
    shared = [text for of_column in markers.values() for text in of_column if text[:1] != "#"]
    for field in table.schema:
        if shared and (field.name in found or not pa.types.is_string(field.type)):
            before, own = known.get(field.name, everywhere), markers.get(field.name, [])
            found[field.name] = list(dict.fromkeys([*before, *shared, *own]))
    if not known and everywhere != [""]:
        # What a person said of all columns goes on to be so.
        found = dict.fromkeys(table.column_names, everywhere) | found
    where: dict[str, list[str]] = {}
    for name, of_column in markers.items():
        where.setdefault(", ".join(map(repr, of_column)), []).append(name)
    shown = "; ".join(f"{texts} in {', '.join(names)}" for texts, names in where.items())
    told = [f"Read as no value: {shown}. See `null_values`."]
    return found, told + _kept(table, markers, counts)


def _occurrences(connection: duckdb.DuckDBPyConnection, texts: Sequence[str]) -> dict[str, int]:
    """In how many rows each text column has one of some texts, by key."""
    questions, listed = Questions(connection), ", ".join(map(quote_literal, texts))
    keys = [key for key, kind in column_kinds(connection).items() if kind == "VARCHAR"]
    counts = questions.each(
        keys, lambda key: questions.value(f"count(*) FILTER ({key} IN ({listed}))")
    )
    return dict(zip(keys, counts, strict=True))


def _kept(
    table: KeptRows, markers: Mapping[str, Sequence[str]], counts: Mapping[str, int]
) -> list[str]:
    """Notes on other columns in which a marker occurs, where it stays a value like any other."""
    notes = []
    for index, name in enumerate(table.column_names):
        count = 0 if name in markers else counts.get(f"c{index}", 0)
        if count:
            rows = "row" if count == 1 else "rows"
            notes.append(
                f"{name!r} has one of these texts in {count:,} {rows}, where it stays a value; if "
                "it is none there either, add it to `null_values`."
            )
    return notes
