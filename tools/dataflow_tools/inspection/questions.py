"""Questions about the rows that are looked at: those of many columns are answered together.

Each question is an aggregate, and what is asked next may depend on its answer. Whoever asks for one
column after the other writes it as if every answer came at once. In `Questions.each` it is put off
instead: all columns are asked as far as they come, their open questions are answered in a few
statements, and they are asked again from the start, until nothing is open. So the functions that
ask must do nothing but that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from dataflow.shared.step_progress import step_progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import duckdb

    from dataflow_tools.inspection.profile import ColumnProfile

# So many rows tell of most tests that not all values pass them.
FIRST_LOOK = 2_000
# Of one statement.
_MOST_ASKED = 200
_ROWS, _FIRST, _NUMBERED = "data", "first_rows", "numbered_rows"

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class _PutOffError(Exception):
    """A question has no answer yet."""


@dataclass(frozen=True)
class _Question:
    relation: str
    aggregate: str


class Questions:
    """What is asked of the rows in the relation ``data``, and the answers so far.

    Args:
        connection: Where the relation is; in `numbered`, ``every_row`` as well.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        # What was found of columns by other means, by key.
        self.kinds: dict[str, str] = {}
        self._known: dict[_Question, Any] = {}
        self._fetched: dict[str, list[Any]] = {}
        self._open: dict[_Question, None] | None = None
        self._has_first = False

    def each(self, items: Iterable[Item], ask: Callable[[Item], Answer]) -> list[Answer]:
        """What ``ask`` answers to each of the items; their questions are answered together."""
        every = list(items)
        if self._open is not None:
            return self._within(every, ask)
        answers: dict[int, Answer] = {}
        while len(answers) < len(every):
            self._open = {}
            try:
                for number, item in enumerate(every):
                    if number not in answers:
                        try:
                            answers[number] = ask(item)
                        except _PutOffError:
                            continue
            finally:
                asked, self._open = self._open, None
            self._answer(list(asked))
        return [answers[number] for number in range(len(every))]

    def together(self, ask: Callable[[], Answer]) -> Answer:
        """What ``ask`` answers, which asks for several things by `each`."""
        (answer,) = self.each([None], lambda _: ask())
        return answer

    def value(self, aggregate: str) -> Any:
        """An aggregate of all rows; what it leaves out is said by FILTER."""
        return self._value(_Question(_ROWS, aggregate))

    def first_rows(self) -> str:
        """What may stand after FROM for the first `FIRST_LOOK` rows."""
        self._prepare(_FIRST)
        return _FIRST

    def in_first_rows(self, aggregate: str) -> Any:
        """An aggregate of the first rows."""
        return self._value(_Question(_FIRST, aggregate))

    def numbered(self, aggregate: str) -> Any:
        """An aggregate of every row, also of repeated ones, with its number from 1 on as ``n``."""
        return self._value(_Question(_NUMBERED, aggregate))

    def holds(self, test: str, column: ColumnProfile) -> bool:
        """Whether all values of a column pass a test, which may name other columns as well."""
        # Where there is no value, the test is not made at all: it might fail there.
        aggregate = f"bool_and(CASE WHEN {column.key} IS NOT NULL THEN {test} END)"
        # Most tests that fail do so at once; whole columns are asked only after their beginning.
        if column.rows > FIRST_LOOK and self._value(_Question(_FIRST, aggregate)) is False:
            return False
        return bool(self._value(_Question(_ROWS, aggregate)))

    def fetch(self, query: str) -> list[Any]:
        """The rows that a query of its own has; for what is asked of few columns."""
        if query not in self._fetched:
            self._fetched[query] = self.connection.execute(query).fetchall()
        return self._fetched[query]

    def _within(self, items: list[Item], ask: Callable[[Item], Answer]) -> list[Answer]:
        answers: list[Answer] = []
        is_open = False
        for item in items:
            try:
                answers.append(ask(item))
            except _PutOffError:
                is_open = True
        if is_open:
            raise _PutOffError
        return answers

    def _value(self, question: _Question) -> Any:
        if question in self._known:
            return self._known[question]
        if self._open is not None:
            self._open[question] = None
            raise _PutOffError
        self._answer([question])
        return self._known[question]

    def _answer(self, questions: list[_Question]) -> None:
        progress = step_progress()
        for relation in dict.fromkeys(question.relation for question in questions):
            asked = [each for each in questions if each.relation == relation]
            self._prepare(relation)
            for part in _parts(asked):
                self._known |= self._answers(part)
                progress.count(at="")

    def _answers(self, questions: list[_Question]) -> dict[_Question, Any]:
        import duckdb

        listed = ", ".join(question.aggregate for question in questions)
        query = f"SELECT {listed} FROM {questions[0].relation}"  # noqa: S608
        try:
            row = self.connection.execute(query).fetchone()
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error:
            if len(questions) == 1:
                raise
            # One of them fails: it is to fail by itself, and as it would have done then.
            return {
                question: answer
                for each in questions
                for question, answer in self._answers([each]).items()
            }
        return dict(zip(questions, row or (), strict=True))

    def _prepare(self, relation: str) -> None:
        if relation == _FIRST and not self._has_first:
            self.connection.execute(
                f"CREATE OR REPLACE TEMP TABLE {_FIRST} AS FROM {_ROWS} LIMIT {FIRST_LOOK}"
            )
            self._has_first = True
        elif relation == _NUMBERED:
            self.connection.execute(
                f"CREATE OR REPLACE TEMP VIEW {_NUMBERED} AS "  # noqa: S608
                "SELECT *, row_number() OVER () AS n FROM every_row"
            )


def _parts(questions: list[_Question]) -> Iterator[list[_Question]]:
    for start in range(0, len(questions), _MOST_ASKED):
        yield questions[start : start + _MOST_ASKED]
