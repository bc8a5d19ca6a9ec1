"""A YAML file as plain values, with the line of every key and value.

Values follow the core schema of YAML 1.2 (https://yaml.org/spec/1.2.2/#103-core-schema), so that
`no`, `12:30` and `2024-01-01` are the texts they look like. The parser is libyaml's, by its events:
a composer of our own sees duplicate keys, and counts what aliases would expand to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from dataflow.shared.conflict_markers import CONFLICT, conflict_line
from dataflow.shared.shown import shortened
from dataflow.shared.yaml_explanation import explain
from dataflow.shared.yaml_scalar import plain_value

if TYPE_CHECKING:
    from dataflow.shared.finding import KeyPath

_MOST_BYTES = 1_000_000
_MOST_NODES = 20_000
# No file can have one, but an escape can write one.
_NUL = "this holds a NUL character, which no setting can"
_DEEPEST = 50

_TAG = "tag:yaml.org,2002:"
_SCALAR_TAGS: dict[str, tuple[type, ...]] = {
    f"{_TAG}int": (int,),
    f"{_TAG}float": (int, float),
    f"{_TAG}bool": (bool,),
    f"{_TAG}null": (type(None),),
}

# Keeps the positions inside a repeated key apart from those of the first one.
_AGAIN = " (again)"


@dataclass(frozen=True)
class Position:
    """Where something stands, both counted from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class YamlFault:
    """What is wrong with the text itself.

    Attributes:
        path: The key path it concerns; empty when that cannot be told.
        reason: A sentence without a capital or a full stop.
        has_value: Whether there is a value at ``path`` all the same.
    """

    position: Position
    path: KeyPath
    reason: str
    has_value: bool = False


@dataclass
class YamlDocument:
    """What a YAML text says.

    Attributes:
        values: The top-level mapping; empty when the text could not be read.
        faults: Everything wrong with the text. Empty means that ``values`` is complete.
        keys: The position of each key, by key path.
        items: The position of each value, by key path.
    """

    values: dict[str, Any] = field(default_factory=dict)
    faults: list[YamlFault] = field(default_factory=list)
    keys: dict[KeyPath, Position] = field(default_factory=dict)
    items: dict[KeyPath, Position] = field(default_factory=dict)

    def position(self, path: KeyPath, *, of_key: bool = False) -> Position:
        """Where ``path`` stands, or the nearest thing around it that is in the file."""
        for length in range(len(path), 0, -1):
            nearest = path[:length]
            exact = length == len(path)
            if nearest in self.items and not (exact and of_key and nearest in self.keys):
                return self.items[nearest] if exact else self.keys.get(nearest, self.items[nearest])
            if nearest in self.keys:
                return self.keys[nearest]
        return self.items.get((), Position(1, 1))


def parse_yaml(data: bytes) -> YamlDocument:
    r"""Read the one mapping that a YAML file holds.

    Args:
        data: The bytes of the file. Not more than 1 MB, 20,000 values and 50 levels are read.

    Returns:
        The values and their positions; never raises for what ``data`` holds, but lists it as
        faults.

    >>> document = parse_yaml(b"load:\n  table: sales\n")
    >>> document.values, document.position(("load", "table"))
    ({'load': {'table': 'sales'}}, Position(line=2, column=10))
    """
    document = YamlDocument()
    try:
        _Composer(document).compose(_decode(data))
    except _StopError as stop:
        document.values = {}
        document.faults.append(stop.fault)
    document.faults.sort(key=lambda fault: (fault.position.line, fault.position.column))
    return document


class _StopError(Exception):
    """Nothing after this place can be read."""

    def __init__(self, position: Position, reason: str, path: KeyPath = ()) -> None:
        super().__init__(reason)
        self.fault = YamlFault(position, path, reason)


def _decode(data: bytes) -> str:
    if len(data) > _MOST_BYTES:
        raise _StopError(Position(1, 1), f"the file has {len(data):,} bytes, not a configuration")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _StopError(Position(1, 1), "the file is saved as UTF-16; save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        position = _end_of(data[: error.start].decode(errors="replace"))
        raise _StopError(position, "this line is not UTF-8; save the file as UTF-8") from None
    unreadable = re.search(
        r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text
    )
    if unreadable:
        position, name = _end_of(text[: unreadable.start()]), f"U+{ord(unreadable[0]):04X}"
        raise _StopError(position, f"the control character {name} is not allowed in YAML")
    return text


def _end_of(text: str) -> Position:
    return Position(text.count("\n") + 1, len(text) - text.rfind("\n"))


class _Composer:
    """Builds the values of one document from libyaml's events."""

    def __init__(self, document: YamlDocument) -> None:
        self._document = document
        self._anchors: dict[str, tuple[Any, int] | None] = {}
        self._nodes = 0

    def compose(self, text: str) -> None:
        events = _events(text)
        document = self._document
        next(events)
        first = next(events)
        if isinstance(first, yaml.StreamEndEvent):
            raise _StopError(Position(1, 1), "the file is empty")
        top = next(events)
        if isinstance(top, yaml.ScalarEvent) and top.value == "":
            raise _StopError(Position(1, 1), "the file is empty")
        if not isinstance(top, yaml.MappingStartEvent):
            if line := conflict_line(text):
                raise _StopError(Position(line, 1), CONFLICT)
            kind = "a list" if isinstance(top, yaml.SequenceStartEvent) else "a text or a number"
            reason = f"the file must hold `key: value` lines, but begins with {kind}"
            raise _StopError(_position(top), reason)
        document.values = self._value(top, events, ())
        next(events)
        after = next(events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise _StopError(
                _position(after), "only one document may be in the file, without `---`"
            )

    def _value(self, event: Any, events: Iterator[Any], path: KeyPath) -> Any:
        self._count(1, event, path)
        self._document.items[path] = _position(event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path)
        if len(path) > _DEEPEST:
            raise _StopError(_position(event), f"more than {_DEEPEST} levels deep", path)
        before = self._nodes
        if event.anchor:
            self._anchors[event.anchor] = None
        value: Any
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event, path)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._check_tag(event, "seq", path)
            value = self._sequence(events, path)
        else:
            self._check_tag(event, "map", path)
            value = self._mapping(events, path)
        if event.anchor:
            self._anchors[event.anchor] = (value, self._nodes - before + 1)
        return value

    def _count(self, nodes: int, event: Any, path: KeyPath) -> None:
        self._nodes += nodes
        if self._nodes > _MOST_NODES:
            reason = f"the file expands to more than {_MOST_NODES:,} values"
            raise _StopError(_position(event), reason, path)

    def _alias(self, event: Any, path: KeyPath) -> Any:
        if event.anchor not in self._anchors:
            name = shortened(event.anchor)
            reason = f"`*{name}` is used, but no `&{name}` stands before it"
            raise _StopError(_position(event), reason, path)
        anchored = self._anchors[event.anchor]
        if anchored is None:
            raise _StopError(
                _position(event), f"`*{shortened(event.anchor)}` contains itself", path
            )
        value, nodes = anchored
        self._count(nodes, event, path)
        return value

    def _sequence(self, events: Iterator[Any], path: KeyPath) -> list[Any]:
        values: list[Any] = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            values.append(self._value(event, events, (*path, len(values))))
        return values

    def _mapping(self, events: Iterator[Any], path: KeyPath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self._key(event, path)
            if key in values:
                first = self._document.keys[(*path, key)].line
                reason = f"this key stands twice, first on line {first}"
                self._fault(event, (*path, key), reason, has_value=True)
                # The first one keeps its value and its place; the second is only read past.
                self._value(next(events), events, (*path, f"{key}{_AGAIN}"))
                continue
            self._document.keys[(*path, key)] = _position(event)
            values[key] = self._value(next(events), events, (*path, key))
        return values

    def _key(self, event: Any, path: KeyPath) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            raise _StopError(_position(event), "a key must be a plain word", path)
        if event.value == "" and event.implicit[0]:
            raise _StopError(_position(event), "a key is missing before the `:`", path)
        if "\0" in event.value:
            self._fault(event, path, _NUL)
        if event.value == "<<" and event.implicit[0]:
            self._fault(event, (*path, "<<"), "merge keys are not supported; write the keys out")
        return str(event.value)

    def _scalar(self, event: Any, path: KeyPath) -> Any:
        text: str = event.value
        if "\0" in text:
            self._fault(event, path, _NUL)
            return None
        try:
            return self._tagged(event, text, path)
        except ValueError as error:
            self._fault(event, path, str(error))
            return None

    def _tagged(self, event: Any, text: str, path: KeyPath) -> Any:
        if event.tag is None:
            return plain_value(text) if event.implicit[0] else text
        if event.tag in ("!", f"{_TAG}str"):
            return text
        kinds = _SCALAR_TAGS.get(event.tag)
        if kinds is None:
            self._fault(event, path, f"the tag {_shown_tag(event.tag)} is not allowed")
            return None
        value = plain_value(text)
        if type(value) not in kinds:
            self._fault(event, path, f"this is not what its tag {_shown_tag(event.tag)} says")
        return value

    def _check_tag(self, event: Any, kind: str, path: KeyPath) -> None:
        if event.tag not in (None, "!", f"{_TAG}{kind}"):
            self._fault(event, path, f"the tag {_shown_tag(event.tag)} is not allowed")

    def _fault(self, event: Any, path: KeyPath, reason: str, has_value: bool = False) -> None:
        shown = tuple(p.removesuffix(_AGAIN) if isinstance(p, str) else p for p in path)
        self._document.faults.append(YamlFault(_position(event), shown, reason, has_value))


def _shown_tag(tag: str) -> str:
    shown = f"!!{tag.removeprefix(_TAG)}" if tag.startswith(_TAG) else tag
    return f"`{shortened(shown)}`"


def _position(event: Any) -> Position:
    return Position(event.start_mark.line + 1, event.start_mark.column + 1)


def _events(text: str) -> Iterator[Any]:
    # Without libyaml PyYAML is some ten times slower, but reads the same.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        yield from yaml.parse(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        line, column, reason = explain(error, text)
        raise _StopError(Position(line, column), reason) from None
    except yaml.YAMLError as error:
        raise _StopError(Position(1, 1), f"this is not YAML: {error}") from None
