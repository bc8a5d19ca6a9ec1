"""A project that has run well once, and runs of it that are hit by a fault."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import pytest

__all__ = ["Ended", "ForkServer", "Shop", "Started", "make_rows"]

# A run takes a second or two; a machine may be busy.
_PATIENCE = 240


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code (negative for a signal) and what it printed."""

    code: int
    stdout: str
    stderr: str

    def is_told(self, *words: str) -> None:
        """Require a failure that is one clear message: exit code 1 or 2, no traceback."""
        assert self.code in (1, 2), self
        assert "Traceback" not in self.stdout + self.stderr, self.stderr
        for word in words:
            assert word in self.stderr, self.stderr


class Started:
    """A command that runs in a fork of the server."""

    def __init__(self, server: ForkServer, folder: Path) -> None:
        self.server = server
        self.out, self.err = folder / "out", folder / "err"
        self.out.touch()
        self.err.touch()
        self.pid = 0
        self.code: int | None = None
        self.is_stopped = threading.Event()
        self.has_begun = threading.Event()
        self.has_ended = threading.Event()

    def wait(self) -> Ended:
        """Wait for its end."""
        if not self.has_ended.wait(_PATIENCE):
            os.killpg(self.pid, signal.SIGKILL)
            raise AssertionError(f"no end of {self.err.read_text()}{self.out.read_text()}")
        assert self.code is not None
        return Ended(self.code, self.out.read_text(), self.err.read_text())

    def wait_until_stopped(self) -> None:
        """Wait until it stops itself at the place that a hook names."""
        assert self.is_stopped.wait(_PATIENCE), self.err.read_text()

    def go_on(self) -> None:
        """Let it go on from there."""
        self.is_stopped.clear()
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> Ended:
        """End it with SIGKILL, as kill -9 and the system's memory killer do."""
        os.kill(self.pid, signal.SIGKILL)
        return self.wait()


class ForkServer:
    """The process of ``fork_server.py``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count()
        self._started: dict[int, Started] = {}
        self._by_pid: dict[int, Started] = {}
        self._is_ready = threading.Event()
        self._process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("fork_server.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def start(
        self,
        *argv: str,
        cwd: Path,
        env: dict[str, str] | None = None,
        hooks: list[dict[str, Any]] | None = None,
        limits: dict[str, int] | None = None,
        values: dict[str, Any] | None = None,
        trace: Path | None = None,
    ) -> Started:
        """Start ``dataflow`` with these arguments.

        Args:
            argv: The arguments.
            cwd: The folder it runs in.
            env: Variables besides those of the tests.
            hooks: ``target`` (``module:function``), ``call``, ``when`` (before, after) and
                ``action`` (kill, stop) of what happens to it.
            limits: Resource limits by name.
            values: What module variables (``module:name``) are set to, so that patience is short.
            trace: Where its syncs and renames are written down.
        """
        assert self._is_ready.wait(_PATIENCE)
        number = next(self._numbers)
        folder = self._folder / str(number)
        folder.mkdir()
        started = self._started[number] = Started(self, folder)
        request = {
            "id": number,
            "argv": argv,
            "cwd": str(cwd),
            "env": env or {},
            "hooks": hooks or [],
            "limits": limits or {},
            "values": values or {},
            "trace": str(trace or ""),
            "out": str(started.out),
            "err": str(started.err),
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        assert started.has_begun.wait(_PATIENCE)
        return started

    def run(self, *argv: str, **options: Any) -> Ended:
        """Start a command and wait for its end."""
        return self.start(*argv, **options).wait()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told = json.loads(line)
            if "ready" in told:
                self._is_ready.set()
            elif "id" in told:
                started = self._started[told["id"]]
                started.pid = told["pid"]
                self._by_pid[started.pid] = started
                started.has_begun.set()
            elif "stopped" in told:
                self._by_pid[told["pid"]].is_stopped.set()
            else:
                ended = self._by_pid[told["pid"]]
                ended.code = told["code"]
                ended.has_ended.set()

    def close(self) -> None:
        """End it, and what it may have left running."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)
        for started in self._by_pid.values():
            if not started.has_ended.is_set():
                os.killpg(started.pid, signal.SIGKILL)


def make_rows(*ids: int, amount: float = 1.0) -> list[dict[str, Any]]:
    """Rows as the workflow's models expect them."""
    return [
        {
            "id": number,
            "created_at": f"2024-01-{number % 28 + 1:02}T12:00:00",
            "category": "music",
            "amount": amount,
        }
        for number in ids
    ]


@dataclass
class Shop:
    """A project with the workflow ``sales`` on the rows of ``rows.jsonl``."""

    root: Path
    server: ForkServer

    @property
    def workflow(self) -> Path:
        """The workflow's folder."""
        return self.root / "src" / "dataflow" / "workflows" / "sales"

    @property
    def database(self) -> Path:
        """The warehouse file."""
        return self.root / "data" / "sales.duckdb"

    @property
    def public(self) -> Path:
        """What is served."""
        return self.root / ".dataflow" / "site" / "public"

    def configure(self, old: str, new: str) -> None:
        """Change config.yaml."""
        path = self.workflow / "config.yaml"
        text = path.read_text()
        assert old in text, text
        path.write_text(text.replace(old, new))

    def read_from(self, source: str) -> None:
        """Give config.yaml another source, as the lines of YAML below ``source:``."""
        path = self.workflow / "config.yaml"
        start, _, rest = path.read_text().partition("  source:\n")
        rest = rest[rest.index("  parameters:\n") :]
        lines = "".join(f"    {line}\n" for line in source.strip().splitlines())
        path.write_text(f"{start}  source:\n{lines}{rest}")

    def write_rows(self, *ids: int, amount: float = 1.0) -> None:
        """Let the source have rows with these ids."""
        text = "".join(json.dumps(row) + "\n" for row in make_rows(*ids, amount=amount))
        (self.root / "rows.jsonl").write_text(text)

    def start(self, **options: Any) -> Started:
        """Start ``dataflow workflow run sales``."""
        return self.server.start("workflow", "run", "sales", cwd=self.root, **options)

    def run(self, **options: Any) -> Ended:
        """Run ``dataflow workflow run sales``."""
        return self.start(**options).wait()

    def run_well(self, **options: Any) -> Ended:
        """Run it and require success."""
        ran = self.run(**options)
        assert ran.code == 0, ran.stdout + ran.stderr
        return ran

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the warehouse, as any reader would."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def seen(self) -> dict[str, Any]:
        """All that anybody sees: the file, byte for byte, with its rows; what is published."""
        rows = {
            name: sorted(map(str, self.ask(f"FROM {name}")))
            for name in ("raw.sales", "staging.stg_sales", "marts.sales")
        }
        known = self.ask("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'watermarks'")
        watermark = self.ask("FROM dataflow.watermarks") if known != [(0,)] else []
        published = {name: path.read_bytes() for name, path in self.published_files().items()}
        log = self.database.with_name("sales.duckdb.wal")
        whole = [self.database.read_bytes(), log.exists()]
        return {"file": whole, "rows": rows, "watermark": watermark, "published": published}

    def raw(self) -> list[tuple[Any, ...]]:
        """Ids and amounts of the raw table."""
        return self.ask("SELECT id, amount FROM raw.sales ORDER BY id")

    def mart(self) -> list[tuple[Any, ...]]:
        """Ids and amounts of the mart."""
        return self.ask("SELECT id, amount FROM marts.sales ORDER BY id")

    def published_files(self) -> dict[str, Path]:
        """The files that the manifest names, by table; each can be read."""
        manifest = json.loads((self.public / "data" / "manifest.json").read_text())
        names = [path.removeprefix("static/") for path in manifest["renderedFiles"]["sales"]]
        files = {Path(name).stem: self.public / name for name in names}
        for path in files.values():
            duckdb.execute("SELECT count(*) FROM read_parquet(?)", [str(path)])
        return files

    def published(self) -> list[tuple[Any, ...]]:
        """Ids and amounts that the dashboards show."""
        return duckdb.execute(
            "SELECT id::BIGINT, amount FROM read_parquet(?) ORDER BY id",
            [str(self.published_files()["sales"])],
        ).fetchall()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    running = ForkServer(tmp_path_factory.mktemp("commands"))
    yield running
    running.close()


@pytest.fixture(scope="session")
def _ran_once(
    tmp_path_factory: pytest.TempPathFactory, _rendered: Path, server: ForkServer
) -> Shop:
    """The project after one good run."""
    root = shutil.copytree(
        _rendered / "shop", tmp_path_factory.mktemp("faults") / "shop", symlinks=True
    )
    shop = Shop(root, server)
    shutil.copytree(_rendered / "sales", shop.workflow)
    shop.configure("src/dataflow/workflows/sales/tests/data/sample.json", "rows.jsonl")
    shop.write_rows(1, 2, 3)
    shop.run_well()
    return shop


@pytest.fixture
def shop(_ran_once: Shop, tmp_path: Path) -> Shop:
    """A copy of it for one test: ids 1, 2, 3 are loaded, modelled and published."""
    root = shutil.copytree(_ran_once.root, tmp_path / "shop", symlinks=True)
    return Shop(root, _ran_once.server)
