"""Which rules texts keep, asked of many columns at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataflow.sources.kept_rules import rules_kept, same_rules_kept
from dataflow.sources.type_rules import RULES

_TEXTS = ("1", "-2", "007", "1.5", "1,234", " 3 ", "true", "2024-03-01", "01/02/2024", "x", "")
_columns = st.lists(
    st.lists(st.one_of(st.none(), st.sampled_from(_TEXTS)), min_size=4, max_size=4),
    min_size=1,
    max_size=8,
)


@pytest.mark.slow
@settings(max_examples=25, deadline=None, derandomize=True)
@given(columns=_columns)
def test_rules_of_many_columns_are_those_of_each(columns: list[list[str | None]]) -> None:
    """Both ways of asking find what each rule says of each column by itself."""
    table = pa.table({f"c{at}": pa.array(each, pa.string()) for at, each in enumerate(columns)})
    keys = table.column_names
    with duckdb.connect() as connection:
        connection.register("texts", table)
        found = rules_kept(connection, "texts", [(key, RULES) for key in keys])
        assert same_rules_kept(connection, "texts", keys, RULES) == found
        for key, kept in zip(keys, found, strict=True):
            tests = ", ".join(f"bool_and({rule.check(f'trim({key})')})" for rule in RULES)
            query = f"SELECT {tests}, count({key}), bool_or({key} <> trim({key})) FROM texts"
            (row,) = connection.execute(query).fetchall()
            *keeps, count, padded = row
            alone = tuple(r for r, keep in zip(RULES, keeps, strict=True) if keep is not False)
            assert kept.rules == alone
            assert (kept.seen, kept.padded) == (count > 0, bool(padded))


@pytest.mark.slow
def test_more_expressions_than_one_statement_has() -> None:
    """A table of very many columns is asked in several statements, and every column answers."""
    with duckdb.connect() as connection:
        columns = ", ".join(f"'{'x' if at % 7 else at}' AS c{at}" for at in range(600))
        connection.execute(f"CREATE TABLE texts AS SELECT {columns}")
        found = rules_kept(connection, "texts", [(f"c{at}", RULES[:2]) for at in range(600)])
    assert [bool(kept.rules) for kept in found] == [at % 7 == 0 for at in range(600)]


def test_the_sign_of_a_layout_changes_no_verdict() -> None:
    """Texts without the sign between a date's parts are no such dates, as DuckDB itself finds."""
    random, texts = Random(1), []  # noqa: S311
    signs = "0123456789/-.,: JanMarchPM"
    for rule in RULES:
        for _ in range(100 if rule.written.get("format") else 0):
            moment = datetime(1990, 1, 1) + timedelta(seconds=random.randrange(10**9))
            text = moment.strftime(rule.written["format"])
            at = random.randrange(len(text))
            texts += [text, text[:at] + random.choice(signs) + text[at + 1 :]]
            texts.append(text.translate(str.maketrans("", "", "/-.,")))
    with duckdb.connect() as connection:
        connection.register("texts", pa.table({"x": texts}))
        for rule in filter(lambda each: each.sign, RULES):
            with_sign, without = rule.check("x"), replace(rule, sign="").check("x")
            tests = f"count_if({with_sign}), count_if({with_sign} <> {without})"
            ((kept, different),) = connection.execute(f"SELECT {tests} FROM texts").fetchall()
            assert kept >= 100
            assert different == 0, rule.label
