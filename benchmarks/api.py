"""What reading an API costs beside a bare client with the same concurrency, both into Parquet.

Usage: python benchmarks/api.py [--pages N] [--repeat N] [--latency MILLISECONDS]

The server is a process of its own on this machine, which has its answers ready. The bare client is
httpx: it fetches all pages, so many at a time, parses their JSON, keeps their order and writes one
Parquet file by pyarrow. It checks nothing: that a page came twice, is missing or is an error, that
numbers are exact, what a text's type is. The ways take turns, each in a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from measuring import Cost, Result, in_turn, least, measure, ratio, record

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS_PER_PAGE = 100
AT_ONCE = 8
_GOAL = 1.3
_BARE = """
import asyncio, sys
import httpx, pyarrow as pa, pyarrow.parquet as pq
url, target, at_once, pages = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
async def read():
    limits = httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once)
    async with httpx.AsyncClient(limits=limits, timeout=30) as client:
        free = asyncio.Semaphore(at_once)
        async def fetch(page):
            async with free:
                answer = await client.get(url, params={"page": page, "per_page": 100})
                answer.raise_for_status()
                return answer.json()["data"]
        return await asyncio.gather(*map(fetch, range(1, pages + 1)))
rows = [row for page in asyncio.run(read()) for row in page]
pq.write_table(pa.Table.from_pylist(rows), target, compression="zstd")
"""
_OURS = """
import sys
from pathlib import Path
from dataflow.shared.tables import write_parquet
from dataflow.sources.read import read_source
paging = {"type": "page_number", "page_param": "page", "page_size_param": "per_page"}
source = {"type": "api", "url": sys.argv[1], "data_path": "data", "paging": paging}
parameters = {"batch_size": 100, "concurrency": int(sys.argv[3])}
write_parquet(read_source(source, parameters)["data"], Path(sys.argv[2]))
"""
_NOTHING = {"bare": "import httpx, pyarrow.parquet", "ours": "import requests, duckdb, pyarrow"}
_NOTHING["ours"] += "\nimport dataflow.sources.api.reader, dataflow.sources.documents"


def main() -> None:
    """Measure both in turn, with one page and with several at a time, and print the ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--latency", type=float, default=20.0, help="of each page, milliseconds")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--serve", type=float, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve is not None:
        asyncio.run(serve(asked.pages, asked.serve / 1000))
        return
    pages, repeat = (200, 1) if asked.quick else (asked.pages, asked.repeat)
    for at_once, latency in ((1, 0.0), (AT_ONCE, 0.0), (AT_ONCE, asked.latency)):
        with tempfile.TemporaryDirectory() as name, server(pages, latency) as url:
            arguments = (Path(name), url, at_once, pages)
            ways = {
                "bare": partial(read, _BARE, *arguments),
                "ours": partial(read, _OURS, *arguments),
            }
            show(in_turn(ways, repeat), pages, at_once, latency)
    with tempfile.TemporaryDirectory() as name:
        for way, work in _NOTHING.items():
            start = least([read(work, Path(name), "", 0, 0) for _ in range(repeat)])
            record(Result("api", f"  of which start-up, {way}", f"{start.cpu:.2f} s CPU"))


def read(work: str, folder: Path, url: str, at_once: int, pages: int) -> Cost:
    """Read the API into a file, in a process of its own."""
    target = str(folder / "rows.parquet")
    command = [sys.executable, "-c", work, url, target, str(at_once), str(pages)]
    return measure(command, folder, timeout=600)


def show(costs: dict[str, list[Cost]], pages: int, at_once: int, latency: float) -> None:
    """Print what both cost."""
    ours, bare = costs["ours"], costs["bare"]
    cpu, wall = ratio(ours, bare, "cpu"), ratio(ours, bare, "wall")
    memory = ratio(ours, bare, "memory")
    slow = f", {latency:g} ms each" if latency else ""
    what = f"{pages * ROWS_PER_PAGE:,} rows in {pages:,} pages, {at_once} at a time{slow}"
    one, two = least(ours), least(bare)
    record(
        Result("api", what, f"{one.cpu:.2f} s CPU", f"{cpu:.2f}x", f"{_GOAL}x", cpu <= _GOAL),
        Result(
            "api", f"{what}: wall", f"{one.wall:.2f} s", f"{wall:.2f}x", f"{_GOAL}x", wall <= _GOAL
        ),
        Result("api", f"{what}: memory", f"{one.memory / 2**20:.0f} MiB", f"{memory:.2f}x"),
        Result("api", f"{what}: the bare client", f"{two.cpu:.2f} s CPU, {two.wall:.2f} s"),
    )


@contextmanager
def server(pages: int, latency: float) -> Iterator[str]:
    """An API with so many pages, in a process of its own; its address."""
    command = [sys.executable, __file__, "--serve", str(latency), "--pages", str(pages)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


async def serve(pages: int, latency: float) -> None:
    """Answer until it is ended."""
    answers = [answer(page) for page in range(1, pages + 1)]
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: _Connection(answers, latency), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/orders", flush=True)
    await listening.serve_forever()


def answer(page: int) -> bytes:
    """A page of orders, as HTTP has it."""
    first = (page - 1) * ROWS_PER_PAGE
    rows = [order(number) for number in range(first, first + ROWS_PER_PAGE)]
    return http({"data": rows, "page": page})


def http(document: object) -> bytes:
    """A document as an answer."""
    body = json.dumps(document).encode()
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def order(number: int) -> dict[str, object]:
    """A row as there are many: keys, texts, money, times."""
    return {
        "id": number,
        "customer": f"customer {number % 5000}",
        "country": ("DE", "FR", "PL", "IT")[number % 4],
        "amount": number % 9973 / 100,
        "quantity": number % 7,
        "is_open": number % 5 == 0,
        "ordered_at": f"2024-{number % 12 + 1:02}-{number % 28 + 1:02}T{number % 24:02}:30:00Z",
        "note": None if number % 3 else "to be delivered to the neighbour",
    }


class _Connection(asyncio.Protocol):
    """Answers one request after another, which come without a body."""

    def __init__(self, answers: list[bytes], latency: float) -> None:
        self._answers, self._latency = answers, latency
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while b"\r\n\r\n" in self._received:
            request, _, self._received = self._received.partition(b"\r\n\r\n")
            query = parse_qs(urlsplit(request.split(b" ", 2)[1]).query)
            page = int(query.get(b"page", [b"1"])[0])
            behind = page > len(self._answers)
            content = http({"data": [], "page": page}) if behind else self._answers[page - 1]
            if self._latency:
                loop = asyncio.get_running_loop()
                loop.call_later(self._latency, self._transport.write, content)  # type: ignore[attr-defined]
            else:
                self._transport.write(content)  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
