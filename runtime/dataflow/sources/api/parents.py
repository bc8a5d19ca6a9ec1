"""Values of a first request, for each of which an API is asked again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from dataflow.shared.shown import quoted
from dataflow.sources.api.ahead import Ahead
from dataflow.sources.api.answer_formats import other_parent
from dataflow.sources.api.exchange import Ask
from dataflow.sources.api.pages import Pages
from dataflow.sources.api.placing import Placing, filled
from dataflow.sources.errors import SourceDataError, SourceSettingError
from dataflow.sources.kind import shown_location
from dataflow.sources.records import MISSING, value_at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dataflow.sources.api.exchange import Exchange
    from dataflow.sources.api.settings import ForEach


def parent_values(
    parent: ForEach, exchange: Exchange, batch_size: int, folder: Path, at_once: int = 1
) -> Iterator[Any]:
    """The values of ``field`` in the records of the first request, each once, in their order.

    Raises:
        SourceError: It cannot be read, or a record has no such field.
    """
    ask = Ask(parent.url, dict(parent.params))
    ahead = Ahead(exchange, at_once, "GET")
    pages = Pages(parent, ask, ahead, Placing(), batch_size, folder)
    known = set()
    for records in _told_where(pages, ahead):
        for record in records:
            value = value_at(record, parent.field)
            if value in (None, "", MISSING) or not isinstance(value, str | int | float):
                raise SourceDataError(
                    f"A record of {shown_location(parent.url)} has no single value at "
                    f"{quoted(parent.field)}.",
                    "Correct `ingestion.source.for_each.field`.",
                )
            if value not in known:
                known.add(value)
                yield value


def _told_where(pages: Pages, ahead: Ahead) -> Iterator[list[dict[str, Any]]]:
    """The pages; what has to be set for them stands under ``for_each``."""
    try:
        yield from pages
    except SourceSettingError as error:
        own, parents = "`ingestion.source.paging", "`ingestion.source.for_each.paging"
        raise SourceSettingError(error.reason, error.instruction.replace(own, parents)) from None
    finally:
        ahead.close()


def ask_for(ask: Ask, name: str, value: Any) -> Ask:
    """The request for one value: ``{name}`` stands for it in the address, query and body."""
    url = ask.url.replace(f"{{{name}}}", quote(str(value), safe=""))
    return replace(
        ask, url=url, params=filled(ask.params, name, value), body=filled(ask.body, name, value)
    )


def with_parent(
    records: list[dict[str, Any]], name: str, value: Any, shown: str
) -> list[dict[str, Any]]:
    """Records with the value that they were asked for.

    Raises:
        SourceDataError: A record has another value under this name already.
    """
    for record in records:
        own = record.get(name, value)
        if own is not None and str(own) != str(value):
            raise other_parent(shown, own, name, value)
    return [{**record, name: value} for record in records]
