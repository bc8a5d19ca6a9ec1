"""Which rules all values of text columns keep, asked of many columns in few statements."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from dataflow.sources.type_rules import trimmed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import duckdb

    from dataflow.sources.type_rules import Rule

# DuckDB binds so many expressions in a moment; many more of them take long.
_EXPRESSIONS = 2_000


@dataclass(frozen=True)
class Kept:
    """What the values of a column say.

    Args:
        seen: Whether there is any.
        padded: Whether one has blanks around it.
        rules: Those that all values keep, in their order.
    """

    seen: bool
    padded: bool
    rules: tuple[Rule, ...]


def rules_kept(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    columns: Sequence[tuple[str, Sequence[Rule]]],
) -> list[Kept]:
    """What the values of a relation's columns say of the rules that are asked for each.

    Args:
        relation: What may stand after FROM.
        columns: Keys of text columns, and the rules for each.
    """
    found: list[Kept] = []
    for part in _parts(columns):
        asked: list[str] = []
        for key, rules in part:
            text = trimmed(key)
            asked.append(f"count({key})")
            asked.append(f"coalesce(bool_or({key} <> {text}), false)")
            asked += [f"coalesce(bool_and({rule.check(text)}), true)" for rule in rules]
        row: Any = connection.execute(
            f"SELECT {', '.join(asked)} FROM {relation}"  # noqa: S608
        ).fetchone()
        answers = iter(row)
        for _, rules in part:
            count, padded = next(answers), next(answers)
            kept = tuple(rule for rule in rules if next(answers))
            found.append(Kept(count > 0, padded, kept))
    return found


def same_rules_kept(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    keys: Sequence[str],
    rules: Sequence[Rule],
) -> list[Kept]:
    """The same where all columns are asked for the same rules: for relations of few rows.

    Each different value of a column is looked at once.
    """
    tests = ", ".join(f"bool_and({rule.check('t')})" for rule in rules)
    rows = connection.execute(
        f"SELECT k, bool_or(v <> t){', ' if tests else ''}{tests} FROM ("  # noqa: S608
        f"SELECT DISTINCT k, v, {trimmed('v')} AS t FROM ("
        f"SELECT unnest(range({len(keys)})) AS k, unnest([{', '.join(keys)}]) AS v FROM {relation}"
        ") WHERE v IS NOT NULL) GROUP BY k"
    ).fetchall()
    found = {
        number: Kept(
            seen=True,
            padded=padded,
            rules=tuple(rule for rule, keeps in zip(rules, kept, strict=True) if keeps),
        )
        for number, padded, *kept in rows
    }
    nothing = Kept(seen=False, padded=False, rules=tuple(rules))
    return [found.get(number, nothing) for number in range(len(keys))]


def _parts(
    columns: Sequence[tuple[str, Sequence[Rule]]],
) -> Iterator[list[tuple[str, Sequence[Rule]]]]:
    left = iter(columns)
    while part := list(islice(left, 1)):
        size = len(part[0][1])
        for column in left:
            part.append(column)
            size += 2 + len(column[1])
            if size > _EXPRESSIONS:
                break
        yield part
