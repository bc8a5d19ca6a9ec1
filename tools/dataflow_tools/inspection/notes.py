"""What a person should know about the conclusions that were drawn from data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.shared.shown import counted
from dataflow_tools.inspection.roles import looks_like_days

if TYPE_CHECKING:
    from dataflow_tools.inspection.profile import ColumnProfile
    from dataflow_tools.inspection.questions import Questions
    from dataflow_tools.inspection.sample import Sample

# So many names are listed in one note.
_MOST_NAMES = 8
_LONGEST_VALUE = 40
_SIGNED = r"[-+−–]?(\d+|\d{1,3}([.,]\d{3})+)([.,]\d+)?"  # noqa: RUF001
_BESIDE = r"[*†‡]|[A-Za-zµ°/][A-Za-z²³/]{0,5}|[\[(][a-z0-9][\])]"
# Of English, German, French, Spanish and Italian, by their first letters.
_MONTH = (
    r"(?i:jan|ene|gen|feb|fév|fev|mar|mär|mrz|apr|avr|abr|may|mai|mag|jun|jui|giu|jul|lug|aug|aoû|"
    r"ago|sep|set|oct|okt|ott|nov|dec|dez|déc|dic)[^\W\d_]{0,7}"
)
# Texts that a person reads as a value of another type, and that are left as they are.
_LEFT_AS_TEXT = {
    r"-?[$€£¥] ?-?[\d.,]+|-?[\d.,]+ ?[$€£¥]": "amounts of money",
    r"-?[\d.,]+ ?%": "percentages",
    r"[-+]?\d+": "whole numbers, and stays as it is written",
    rf"{_SIGNED}": "numbers; see `decimal` and `thousands`",
    rf"[<>~≈]? ?{_SIGNED} ?({_BESIDE})?": "numbers with a unit or a mark beside them",
    r"\d{1,2}[-/. ](\d{1,2}|[A-Za-z]{3})[-/. ]\d{2}( .*)?": "dates with two digits for the year",
    rf"(18|19|20)\d\d[-/](0[1-9]|1[0-2])|{_MONTH}\.?[-/ ]\d{{2}}(\d{{2}})?": "months",
    r"([A-Z][a-z]+,? )?\d{1,2}\.?[ -][^\d\s.,-]+\.?,?[ -]\d{4}( .*)?|\d{4}-\d\d-\d\d[T ]\d.*"
    r"|\d{8}T\d{4,6}.*|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}( .*)?": "dates; see `date_format`",
    r"\d{1,2}:\d\d(:\d\d)? ?[AaPp]\.?[Mm]\.?": "times of day",
}


def notes_on_rows(
    profiles: list[ColumnProfile],
    date: ColumnProfile | None,
    primary_key: list[str],
    sample: Sample,
    different: int,
    *,
    repeated: int = 0,
    nearly: bool = False,
) -> list[str]:
    """Notes on the key, the date and the columns.

    Args:
        date: The column that was chosen as the date, if any.
        primary_key: The names of the key's columns, if any was found.
        different: How many of the sample's rows are looked at: those that are not the same as one
            before them, or all where nothing says that one of them is enough.
        repeated: How many are the same as one before them.
        nearly: Whether a column has dates but for a few values, which is said elsewhere.
    """
    notes = []
    if not sample.table.num_rows and not sample.is_declared:
        notes.append(
            "There are no rows, which would tell the types of the columns: all are taken for text. "
            "Make the workflow from a day with rows, or say the types in `ingestion.columns`."
        )
    if not primary_key and repeated:
        are = "row is" if repeated == 1 else "rows are"
        notes.append(
            f"{repeated:,} {are} the same as another, and each counts: nothing tells that they are "
            "the same thing. If they are, turn on `remove_duplicates` in config.yaml."
        )
    elif same := sample.table.num_rows - different:
        are = "row is" if same == 1 else "rows are"
        notes.append(
            f"{same:,} {are} the same as another and dropped by `remove_duplicates`; turn it off "
            "in config.yaml if each counts."
        )
    looked = f"{'all' if sample.whole else 'the first'} {counted(different, 'row')}"
    if not sample.whole:
        notes.append(
            f"Only {looked} were looked at; types may turn out wider, and nothing but the key is "
            "tested."
        )
    if primary_key:
        key = " and ".join(primary_key)
        notes.append(f"{key} {_differs(primary_key)} in {looked}: suggested as primary key.")
    elif different > 1:
        notes.append(
            f"No column and no pair of columns was found to identify the rows in {looked}: there "
            "is no primary key, which `merge` would need."
        )
    if date is None and not nearly:
        times = [column.name for column in profiles if column.time]
        constant = f" ({_listed(times)}: always the same)" if times else ""
        notes.append(f"No column has different dates or times{constant}: there is no time series.")
    notes += _notes_on_names(profiles)
    for column in profiles:
        if column.rows and column.nulls == column.rows:
            notes.append(f"{column.name!r} has no value at all, so its type is not known.")
    nested = [column.name for column in profiles if column.nested]
    if nested:
        are = "is" if len(nested) == 1 else "are"
        notes.append(
            f"{_listed(nested)} {are} nested: JSON in the staging model. `child_tables` in "
            "config.yaml makes a table of the items of a list."
        )
    return notes


def _notes_on_names(profiles: list[ColumnProfile]) -> list[str]:
    notes = []
    for column in profiles:
        if column.name.lower() == "processed_at":
            notes.append(
                f"{column.name!r} is also what `add_timestamps` calls its column, so that is off; "
                f"in SQL it is {column.identifier}."
            )
        letters = sum(sign.isalpha() for sign in column.name)
        ascii_letters = sum(sign.isascii() and sign.isalpha() for sign in column.name)
        renamed = column.identifier.startswith("column_") and column.identifier != column.name
        if ascii_letters * 2 < letters or renamed:
            notes.append(f"{column.name!r} is called {column.identifier} in SQL.")
    return notes


def notes_on_values(questions: Questions, profiles: list[ColumnProfile]) -> list[str]:
    """Notes on columns whose values look like another type than they have."""
    return list(filter(None, questions.each(profiles, lambda each: _on_values(questions, each))))


def _on_values(questions: Questions, column: ColumnProfile) -> str:
    if column.text and column.distinct and column.longest <= _LONGEST_VALUE:
        for pattern, what in _LEFT_AS_TEXT.items():
            test = f"regexp_full_match(trim({column.key}), '{pattern}')"
            if questions.holds(test, column):
                return f"{column.name!r} is text, though it looks like {what}."
    elif looks_like_days(questions, column):
        return f"{column.name!r} has whole numbers that look like days (20240131): no measure."
    return ""


def _differs(names: list[str]) -> str:
    return "differs" if len(names) == 1 else "differ"


def _listed(names: list[str]) -> str:
    shown = ", ".join(map(repr, names[:_MOST_NAMES]))
    return shown + (f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else "")
