"""What a store of secrets is, whose values ``${NAME}`` may give.

A distribution adds one by an entry point in the group ``dataflow.secrets`` that names a
`SecretsKind`; ``secrets`` in a project's ``[tool.dataflow]`` says which ones are asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from dataflow.shared.config_types import Section

if TYPE_CHECKING:
    from collections.abc import Callable

Settings = TypeVar("Settings", bound=Section)


@dataclass(frozen=True)
class SecretsKind(Generic[Settings]):
    """One kind of store.

    Args:
        settings: The keys that it has in ``[tool.dataflow]``, with ``type: Literal[<name>]``.
        open: Gives the function that looks a name up: its value, or None if the store has none of
            that name. It raises a ``DataflowError`` for whatever a person can put right. A name is
            looked up once in a process; nothing need be connected to before.
    """

    settings: type[Settings]
    open: Callable[[Settings], Callable[[str], str | None]]
