"""What a kind of source is, whether it is built in or comes from another distribution.

A distribution adds a kind by an entry point in the group ``dataflow.sources`` that names a
``SourceKind``; its name is the ``type`` that config.yaml gives the source. The module of the kind
is imported to validate a configuration: the libraries that it reads with are left to ``read``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_args

from dataflow.shared.config_types import Section
from dataflow.shared.plugins import PluginError, distribution_of, installed, load
from dataflow.shared.redaction import redact
from dataflow.sources.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dataflow.shared.config_model import Parameters
    from dataflow.shared.contract import Contract
    from dataflow.shared.tables import Rows
    from dataflow.sources.contract_check import Conformed

Settings = TypeVar("Settings", bound=Section)


@dataclass(frozen=True)
class ReadRequest:
    """What is asked of a source, beside its own settings.

    Args:
        parameters: ``ingestion.parameters`` of config.yaml.
        last_value: What ``Extracted.last_value`` was after the last run that succeeded; None to
            start at the beginning.
        limit: Look at about so many rows only; None to read all. Asked by an inspection.
        since: Read an incremental source from this value on, this one included, as ``--since``
            asks; None for where it was read to.
        until: Read an incremental source up to this value, this one excluded; None for all.
        contract: What is agreed about the columns. Whoever makes types of texts leaves that to the
            contract, to which `read_source` holds whatever comes.
    """

    parameters: Parameters
    last_value: Any = None
    limit: int | None = None
    since: Any = None
    until: Any = None
    contract: Contract | None = None

    def window(self, look_back: Any = None) -> Window:
        """The part of an incremental source that is to be read."""
        return Window(self.since, self.until, look_back)


@dataclass(frozen=True)
class Extracted:
    """What a source gave.

    Args:
        data: The rows: an Arrow table, or another kind of rows.
        location: Where they are from, as people read it: without user, password and query.
        notes: What a person should know about how they were read.
        last_value: How far an incremental source was read, as plain JSON; None if it is not
            incremental.
        whole: Whether these are all rows of the source; False where ``limit`` left some out.
        written: How values of columns are written: ``format``, ``decimal`` and ``thousands``, by
            column, where types were made of texts.
        conformed: What came of holding the rows to the contract, where reading them did that.
        span: Which rows of earlier runs came again, so that ``append`` deletes those first: a dict
            of ``column`` (as the rows call it), ``since`` and ``until``, which may be None, as
            ``Progress.span`` is. None if none did.
        declared: Whether the source itself says of which types the columns are. Decimals of one
            that does not have room in the contract for more digits than those that came.
    """

    data: Rows
    location: str
    notes: list[str] = field(default_factory=list)
    last_value: Any = None
    whole: bool = True
    written: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    conformed: Conformed | None = None
    span: dict[str, Any] | None = None
    declared: bool = False


@dataclass(frozen=True)
class SourceKind(Generic[Settings]):
    """One kind of source.

    Args:
        settings: The keys that such a source has in config.yaml. Its field ``type`` is a
            ``Literal`` of the kind's name.
        read: Reads a source. It raises a ``DataflowError`` for whatever a person can put right,
            best one of ``dataflow.sources.errors``.
    """

    settings: type[Settings]
    read: Callable[[Settings, ReadRequest], Extracted]


def shown_location(url: str, table: str | None = None) -> str:
    """Where data is from, as people may read it: no password and no query.

    >>> shown_location("https://me:secret@example.org/a.csv?key=secret")
    'https://***@example.org/a.csv'
    >>> shown_location("data/shop.duckdb", table="orders")
    'data/shop.duckdb (orders)'
    """
    return redact(url.partition("?")[0] + (f" ({table})" if table else ""))


def kind_names() -> list[str]:
    """The types that a source may have, built-in ones first; nothing is imported for it."""
    return list(installed("sources"))


def source_kind(name: str) -> SourceKind[Any]:
    """The kind of source that is called ``name``.

    Raises:
        KeyError: No installed distribution has one.
        PluginError: It cannot be imported, or is not a kind of that name.
    """
    kind = load("sources", name)
    if not isinstance(kind, SourceKind) or _type_of(kind.settings) != (name,):
        point = installed("sources")[name]
        raise PluginError(
            f"The source {name!r} of {distribution_of(point)} is not a kind of source.",
            f"{point.value} must be a SourceKind whose settings are a Section with the field "
            f'`type: Literal["{name}"]`.',
        )
    return kind


def _type_of(settings: Any) -> tuple[Any, ...]:
    """What a settings model allows as ``type``; nothing if it is no such model."""
    if not isinstance(settings, type) or not issubclass(settings, Section):
        return ()
    of_type = settings.model_fields.get("type")
    return get_args(of_type.annotation) if of_type else ()
