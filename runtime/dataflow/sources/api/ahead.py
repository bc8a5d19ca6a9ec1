"""Requests that are sent before their turn, so many at a time; their answers keep the order.

Each of them is tried once. One that fails is asked again in its turn, with all the patience that
there is, and meanwhile none is sent: so a server that asks for a pause has it from all of them, and
one that says that there are too many gets fewer at a time from then on.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TYPE_CHECKING

from dataflow.shared.logging import get_logger
from dataflow.sources.api.exchange import FirstTry
from dataflow.sources.retry import RequestFailedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dataflow.sources.api.exchange import Answer, Ask, Exchange

log = get_logger(__name__)


class Ahead:
    """Answers requests, those that were sent ahead among them.

    Args:
        exchange: Sends them.
        at_once: How many may be under way, or answered and not yet asked for; with 1, none is
            sent ahead.
        method: How to ask, if not as the settings of the source say.

    Attributes:
        at_once: As above; less once the server has said that there are too many.
    """

    def __init__(self, exchange: Exchange, at_once: int = 1, method: str | None = None) -> None:
        self.at_once = at_once
        self.tries = exchange.tries
        self._exchange = exchange
        self._method = method
        self._sent: dict[str, Future[Answer | FirstTry]] = {}
        self._tasks: SimpleQueue[tuple[Ask, Future[Answer | FirstTry]] | None] = SimpleQueue()
        self._workers: list[threading.Thread] = []

    def send(self, asks: Iterable[Ask]) -> None:
        """Send those for which there is room, the first first, unless the server wants rest."""
        most = min(self.at_once, self._exchange.allowed)
        for ask in asks if self.at_once > 1 else ():
            key = ask.key()
            if len(self._sent) >= most:
                return
            if key not in self._sent:
                self._sent[key] = Future()
                self._tasks.put((ask, self._sent[key]))
                self._hire()

    def answer(self, ask: Ask) -> Answer:
        """The answer to a request, whether it was sent or not.

        Raises:
            RequestFailedError: There is no answer, or one that is a refusal.
            SourceSettingError: The address has moved to another host.
        """
        sent = self._sent.pop(ask.key(), None)
        found = sent.result() if sent else None
        if found is None or isinstance(found, FirstTry):
            if found is not None and found.fault.limited:
                self._narrow()
            return self._exchange.ask(ask, self._method, found)
        return found

    def drop(self, keys: Iterable[str]) -> None:
        """Forget requests that nobody will ask for."""
        for key in keys:
            if sent := self._sent.pop(key, None):
                sent.cancel()

    def close(self) -> None:
        """Forget all of them; what is under way ends by itself."""
        self.drop(list(self._sent))
        for _ in self._workers:
            self._tasks.put(None)
        self._workers.clear()

    def _narrow(self) -> None:
        self.at_once = max(self.at_once // 2, 1)
        log.info("asking for fewer pages at a time", pages=self.at_once)

    def _hire(self) -> None:
        if len(self._workers) < len(self._sent):
            # Not those of a pool: a run that is ended does not wait for a server that is silent.
            worker = threading.Thread(target=self._work, daemon=True, name="dataflow-pages")
            self._workers.append(worker)
            worker.start()

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            ask, answer = task
            if not answer.set_running_or_notify_cancel():
                continue
            sent = time.monotonic()
            try:
                answer.set_result(self._exchange.try_once(ask, self._method))
            except RequestFailedError as fault:
                answer.set_result(FirstTry(fault, sent))
            except BaseException as error:
                answer.set_exception(error)
