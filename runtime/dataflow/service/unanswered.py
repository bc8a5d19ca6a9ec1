"""Launches whose callers went away before they were answered, and ask again."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Launched = TypeVar("Launched")

_SECONDS_TO_REMEMBER = 900.0
_MOST = 1000


@dataclass
class _Launch:
    """One launch under way.

    Args:
        is_gone: Whether its caller has gone.
        done: The run or backfill, as soon as there is one.
    """

    is_gone: Callable[[], Awaitable[bool]]
    done: asyncio.Future[Any] = field(default_factory=lambda: asyncio.Future())


class UnansweredLaunches:
    """Lets the same request of the same caller lead to one run where the first got no answer.

    A caller that was answered and asks once more wants another run. One whose connection ended
    before cannot know that there is a run: it gets that one, once. So it is with backfills.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, str]] = {}
        self._under_way: dict[str, _Launch] = {}

    @staticmethod
    def request(caller: str, *content: Any) -> str:
        """What is the same in a request that is sent again."""
        return hashlib.sha256(json.dumps([caller, *content], sort_keys=True).encode()).hexdigest()

    async def launch(
        self,
        request: str,
        is_gone: Callable[[], Awaitable[bool]],
        launch: Callable[[], Awaitable[Launched]],
        look_up: Callable[[str], Awaitable[Launched]],
    ) -> Launched:
        """The run of an earlier try that nobody was told of, or a new one.

        Args:
            is_gone: Whether the caller of this try has gone.
            look_up: Gives a run by its id.
        """
        at, its_id = self._known.pop(request, (float("-inf"), ""))
        if time.monotonic() - at < _SECONDS_TO_REMEMBER:
            return await look_up(its_id)
        earlier = self._under_way.get(request)
        if earlier is not None and await earlier.is_gone():
            run: Launched = await asyncio.shield(earlier.done)
            self._known.pop(request, None)
            return run
        own = _Launch(is_gone)
        self._under_way[request] = own
        try:
            launched = await launch()
        except BaseException as error:
            own.done.set_exception(error)
            # Nobody may be there to look at it.
            own.done.exception()
            raise
        else:
            own.done.set_result(launched)
            return launched
        finally:
            if self._under_way.get(request) is own:
                del self._under_way[request]

    async def remember(
        self, request: str, its_id: str, is_gone: Callable[[], Awaitable[bool]]
    ) -> None:
        """Call it last before the answer: note what was launched if nobody is there to get it."""
        if not await is_gone():
            return
        while len(self._known) >= _MOST:
            del self._known[next(iter(self._known))]
        self._known[request] = (time.monotonic(), its_id)
