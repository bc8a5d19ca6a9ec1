"""How far an author's own code has read its source, from one run to the next."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from dataflow.sources.window import typed_value

if TYPE_CHECKING:
    from dataflow.runs.context import RunContext
    from dataflow.shared.load_settings import Load

_TYPE, _TEXT = "dataflow_type", "text"
# What JSON has no word for comes back as what it was: it may be compared at the next run.
_KINDS: dict[str, Any] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "Decimal": Decimal,
}


def last_value_for(run: RunContext, load: Load) -> Any:
    """What ``params["last_value"]`` is: ``metadata["last_value"]`` of the last run that succeeded.

    It is None at the first run, and where each run replaces the table: such a run has to read all
    that there is, or it would drop the rows of those before.
    """
    if load.write_disposition == "replace" or not run.warehouse.exists():
        return None
    return _revived(run.warehouse.read_watermark(load.table))


def stored_value(value: Any) -> Any:
    """A value as JSON keeps it.

    >>> stored_value(date(2024, 1, 31))
    {'dataflow_type': 'date', 'text': '2024-01-31'}
    >>> stored_value(7)
    7
    """
    if hasattr(value, "item") and not isinstance(value, (str, bytes)):
        value = value.item()  # a number or a time of NumPy's
    if hasattr(value, "to_pydatetime"):
        value = value.to_pydatetime()
    kind = type(value).__name__
    if kind in _KINDS:
        text = str(value) if kind == "Decimal" else value.isoformat()
        return {_TYPE: kind, _TEXT: text}
    return value


def value_like(text: str, before: Any) -> Any:
    """A value that somebody types, kept as the one before it is kept.

    Raises:
        ValueError: It is not of that kind.

    >>> value_like("2024-02-01", {"dataflow_type": "date", "text": "2024-01-31"})
    {'dataflow_type': 'date', 'text': '2024-02-01'}
    """
    if isinstance(before, dict) and before.keys() == {_TYPE, _TEXT}:
        try:
            return stored_value(_KINDS[before[_TYPE]](text))
        except ArithmeticError as error:
            raise ValueError(text) from error
    if isinstance(before, str):
        return text
    return typed_value(text)


def shown_value(value: Any) -> Any:
    """A kept value as people and programs may read it."""
    if isinstance(value, dict):
        return value.get(_TEXT, value.get("value", value))
    return value


def _revived(value: Any) -> Any:
    if isinstance(value, dict) and value.keys() == {_TYPE, _TEXT}:
        return _KINDS[value[_TYPE]](value[_TEXT])
    return value
