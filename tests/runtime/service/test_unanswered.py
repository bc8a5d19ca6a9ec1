"""A launch whose caller went away leads to one run when it is asked for again."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from dataflow.service.unanswered import UnansweredLaunches


@dataclass
class Caller:
    """Somebody who may hang up."""

    has_gone: bool = False

    async def is_gone(self) -> bool:
        return self.has_gone


@dataclass
class Ran:
    run_id: str


class Service:
    """Starts runs, each when it may."""

    def __init__(self) -> None:
        self.count = 0
        self.go = asyncio.Event()
        self.go.set()

    async def launch(self) -> Any:
        self.count += 1
        run = Ran(str(self.count))
        await self.go.wait()
        return run

    async def look_up(self, run_id: str) -> Any:
        return Ran(run_id)


@pytest.mark.slow
def test_a_launch_without_an_answer_is_not_doubled() -> None:
    """After it was done, and while it is being done; who was answered gets a run of his own."""

    async def ask(caller: Caller) -> str:
        run = await launches.launch("same", caller.is_gone, service.launch, service.look_up)
        await launches.remember("same", run.run_id, caller.is_gone)
        return str(run.run_id)

    async def scene() -> None:
        assert await ask(Caller(has_gone=True)) == "1"
        assert await ask(Caller()) == "1"
        assert await ask(Caller()) == "2"
        service.go.clear()
        first = Caller()
        gone = asyncio.ensure_future(ask(first))
        await asyncio.sleep(0)
        first.has_gone = True
        again = asyncio.ensure_future(ask(Caller()))
        await asyncio.sleep(0)
        service.go.set()
        assert (await gone, await again) == ("3", "3")

    launches = UnansweredLaunches()
    service = Service()
    # In a thread of its own: a browser's driver leaves its event loop in that of the tests.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, scene()).result()
