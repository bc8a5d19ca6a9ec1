"""Questions that are answered together have the answers that each of them has by itself."""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataflow_tools.inspection.measures import format_of, period_of, weights_of
from dataflow_tools.inspection.near_types import nearest_types, notes_on_near_types
from dataflow_tools.inspection.notes import notes_on_values
from dataflow_tools.inspection.profile import ColumnProfile, profile_columns
from dataflow_tools.inspection.questions import FIRST_LOOK, Questions
from dataflow_tools.inspection.roles import role_of
from dataflow_tools.inspection.surveys import is_recommendation

_NAMES = ("status", "dep_time", "year", "nps", "rate", "amount", "date", "country", "visits")
_TEXTS = ("2024-03", "Q1", "7", "x", "France", "", "NA", "1,234", "(12)", "10 kg", "2024-01-01")
_columns = st.lists(
    st.one_of(
        st.lists(st.one_of(st.none(), st.integers(-3, 2100)), min_size=12, max_size=12),
        st.lists(st.one_of(st.none(), st.sampled_from(_TEXTS)), min_size=12, max_size=12),
        st.lists(st.sampled_from((0.5, 1.0, 20.25, 2024.0)), min_size=12, max_size=12),
        st.lists(st.sampled_from(_TEXTS), min_size=1, max_size=2).map(lambda few: (few * 12)[:12]),
    ),
    min_size=1,
    max_size=6,
)


class OneByOne(Questions):
    """Asks each question as soon as it comes, in a statement of its own."""

    def each(self, items: Any, ask: Any) -> list[Any]:
        return [ask(item) for item in items]


def everything(questions: Questions, profiles: list[ColumnProfile]) -> list[Any]:
    """What several of those who ask find."""
    nearest = nearest_types(questions, profiles)
    measures = [column for column in profiles if column.whole or column.fractional]
    return [
        questions.each(profiles, lambda column: role_of(questions, column, None, [])),
        questions.each(profiles, lambda column: period_of(questions, column)),
        questions.each(profiles, lambda column: is_recommendation(questions, column)),
        questions.each(measures, lambda column: format_of(questions, column)),
        questions.together(lambda: weights_of(questions, measures)),
        notes_on_values(questions, profiles),
        notes_on_near_types(questions, profiles, nearest),
        nearest,
    ]


@pytest.mark.slow
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(columns=_columns, repeated=st.sampled_from((1, FIRST_LOOK // 6)), last=st.booleans())
def test_together_is_as_one_by_one(columns: list[list[Any]], repeated: int, last: bool) -> None:
    """What many columns are asked at once is what each of them answers alone."""
    values = [column * repeated for column in columns]
    if last:
        # What only the last row says, far behind the first look.
        values = [[*each, "odd" if isinstance(each[0], str) else None] for each in values]
    table = pa.table({f"c{at}": pa.array(each) for at, each in enumerate(values)})
    with duckdb.connect() as connection:
        connection.register("data", table)
        connection.register("every_row", table)
        profiles = profile_columns(connection, list(_NAMES[: len(columns)]))
        together = everything(Questions(connection), profiles)
        assert together == everything(OneByOne(connection), profiles)


def test_columns_share_a_statement() -> None:
    """Columns are asked in as many statements as one of them has questions, not as there are."""
    asked: list[str] = []

    class Counted(Questions):
        def _answers(self, questions: list[Any]) -> dict[Any, Any]:
            asked.append(str(len(questions)))
            return super()._answers(questions)

    with duckdb.connect() as connection:
        columns = ", ".join(f"range + {at} AS c{at}" for at in range(40))
        connection.execute(f"CREATE TABLE data AS SELECT {columns} FROM range(10)")
        profiles = profile_columns(connection, [f"n{at}" for at in range(40)])
        questions = Counted(connection)
        found = questions.each(
            profiles,
            lambda each: (
                questions.holds(f"{each.key} < 20", each)
                and questions.holds(f"{each.key} >= 0", each)
            ),
        )
    assert found == [True] * 11 + [False] * 29
    assert asked == ["40", "11"]


def test_a_question_that_fails_fails_by_itself() -> None:
    """An error of one question is raised for it, whatever was asked beside."""
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE data AS SELECT 1 AS c0, 'x' AS c1")
        questions = Questions(connection)
        with pytest.raises(duckdb.ConversionException):
            questions.each(
                ["sum(c0)", "sum(c1::INTEGER)", "count(*)"], lambda asked: questions.value(asked)
            )
        assert questions.each(["sum(c0)", "count(*)"], questions.value) == [1, 1]


def test_without_a_value_a_test_is_not_made() -> None:
    """A test that would fail where the column has no value is made of the others only."""
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE data AS SELECT * FROM (VALUES (1, '5'), (NULL, 'x')) t(c0, c1)"
        )
        (column, _) = profile_columns(connection, ["a", "b"])
        assert Questions(connection).holds("c1::INTEGER > 0 AND c0 > 0", column)
