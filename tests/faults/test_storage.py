"""Disks that are full or read-only, and files that are locked, damaged or from another version."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from tests.faults.conftest import Shop

pytestmark = pytest.mark.slow

GOOD = [(1, 1.0), (2, 1.0), (3, 1.0)]
IMPATIENT = {"dataflow.warehouse.database:_PATIENCE_SECONDS": 0.5}
STEPS = "dataflow.runs.steps:Steps"
FOLDERS = ("data", ".dataflow", ".dagster")


class Mounts:
    """File systems put over folders of a project, where one may do so."""

    def __init__(self) -> None:
        self._mounted: list[Path] = []

    def _mount(self, *arguments: str | Path, folder: Path) -> None:
        done = subprocess.run(["mount", *arguments, folder], capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"Nothing can be mounted here: {done.stderr.strip() or 'not root'}")
        self._mounted.append(folder)

    def read_only(self, folder: Path) -> None:
        """Let nobody write into a folder, not even root."""
        self._mount("--bind", folder, folder=folder)
        subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)

    def full(self, folder: Path, room: int) -> None:
        """Move a folder onto a disk of its own that has room for so many bytes more."""
        kept = folder.with_name(f"{folder.name}.kept")
        folder.rename(kept)
        folder.mkdir()
        self._mount("-t", "tmpfs", "-o", "size=64m", "tmpfs", folder=folder)
        subprocess.run(["cp", "-a", f"{kept}/.", folder], check=True)
        free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
        (folder / "filler").write_bytes(bytes(free - room))

    def undo(self) -> None:
        """Take them away again, and what they held."""
        while self._mounted:
            # A program of Dagster may have a log there open for another moment.
            subprocess.run(["umount", "--lazy", self._mounted.pop()], check=True)


@pytest.fixture
def mounts() -> Iterator[Mounts]:
    mounts = Mounts()
    yield mounts
    mounts.undo()


def is_as_it_was(shop: Shop) -> None:
    """Tables and dashboard have the last good rows."""
    assert shop.raw() == shop.mart() == shop.published() == GOOD


@pytest.mark.parametrize("folder", [*FOLDERS, ".dataflow/site"])
def test_a_full_disk_is_one_message_and_nothing_is_lost(
    shop: Shop, mounts: Mounts, folder: str
) -> None:
    """Wherever the room ends; with room again the next run goes through."""
    shop.write_rows(*range(4, 20_000))
    mounts.full(shop.root / folder, room=8 << 10)
    shop.run().is_told("space")
    is_as_it_was(shop)
    (shop.root / folder / "filler").unlink()
    shop.run_well()
    assert len(shop.published()) == 19_996


def test_a_limit_on_files_is_like_a_full_disk(shop: Shop) -> None:
    """The warehouse cannot grow: the load says so, and the next run goes through."""
    shop.write_rows(*range(4, 200_000))
    shop.run(limits={"RLIMIT_FSIZE": shop.database.stat().st_size + (1 << 19)}).is_told("space")
    is_as_it_was(shop)
    shop.write_rows(4)
    shop.run_well()


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_read_only_folder_is_one_message(shop: Shop, mounts: Mounts, folder: str) -> None:
    """Nothing is begun that cannot be ended, and the message names the folder."""
    shop.write_rows(4)
    mounts.read_only(shop.root / folder)
    shop.run().is_told(folder, "write" if folder != "data" else "writable")
    is_as_it_was(shop)
    mounts.undo()
    shop.run_well()
    assert shop.published() == [(4, 1.0)]


HOLD = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "reads")
print("open", flush=True)
sys.stdin.readline()
print(connection.execute("SELECT id, amount FROM marts.sales ORDER BY id").fetchall(), flush=True)
if sys.argv[2] == "writes":
    connection.execute("UPDATE raw.sales SET amount = 7.0")
    connection.close()
    print("written", flush=True)
"""


def hold(shop: Shop, use: str) -> subprocess.Popen[str]:
    """A program that opens the warehouse, and goes on when it gets a line."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, shop.database, use],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "open\n"
    return holder


def test_a_reader_does_not_stop_a_run(shop: Shop) -> None:
    """It goes on reading what it had opened, and who opens the file then reads the new rows."""
    shop.write_rows(4, 5)
    with hold(shop, "reads") as reader:
        shop.run_well(values=IMPATIENT)
        assert shop.raw() == shop.mart() == shop.published() == [(4, 1.0), (5, 1.0)]
        assert reader.communicate("\n")[0] == f"{GOOD}\n"


def test_what_another_program_writes_during_a_run_is_not_lost(shop: Shop) -> None:
    """The run does not put its tables over it, says so, and the next run goes through."""
    shop.write_rows(4, 5)
    hook = {"target": f"{STEPS}.model", "call": 1, "when": "before", "action": "stop"}
    run = shop.start(hooks=[hook])
    run.wait_until_stopped()
    with hold(shop, "writes") as writer:
        assert "written" in writer.communicate("\n")[0]
    run.go_on()
    run.wait().is_told("data/sales.duckdb was changed by another program", "Run the workflow again")
    assert shop.raw() == [(1, 7.0), (2, 7.0), (3, 7.0)]
    assert shop.published() == GOOD
    shop.run_well()
    assert shop.raw() == shop.mart() == shop.published() == [(4, 1.0), (5, 1.0)]


def test_what_a_killed_writer_left_in_its_log_is_not_lost(shop: Shop) -> None:
    """DuckDB keeps it in a file beside the warehouse, which a copy of the one file would lack."""
    shop.configure("write_disposition: replace", "write_disposition: append")
    code = (
        "import duckdb, os, sys; c = duckdb.connect(sys.argv[1])\n"
        "c.execute('UPDATE raw.sales SET amount = 9.0 WHERE id = 1'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, shop.database], check=False)
    assert shop.database.with_name("sales.duckdb.wal").exists()
    shop.write_rows(4)
    shop.run_well()
    assert shop.raw() == shop.mart() == [(1, 9.0), (2, 1.0), (3, 1.0), (4, 1.0)]


@pytest.mark.parametrize("step", ["extract", "model", "publish"])
def test_a_warehouse_open_for_writing_is_one_message(shop: Shop, step: str) -> None:
    """Whenever another program opens the file so and keeps it; the message says which one."""
    shop.write_rows(4, 5)
    hook = {"target": f"{STEPS}.{step}", "call": 1, "when": "before", "action": "stop"}
    run = shop.start(hooks=[hook], values=IMPATIENT)
    run.wait_until_stopped()
    with hold(shop, "looks") as holder:
        run.go_on()
        run.wait().is_told("Could not set lock", str(holder.pid), "Close that program")
        holder.communicate("\n")
    is_as_it_was(shop)
    shop.run_well()


@pytest.mark.parametrize("left", [0.6, 0.01])
def test_a_truncated_warehouse_is_one_message(shop: Shop, left: float) -> None:
    """The dashboards stay; with the backup back in its place the next run goes through."""
    shop.configure("write_disposition: replace", "write_disposition: append")
    # Enough rows for the end of the file to have some.
    with duckdb.connect(str(shop.database)) as connection:
        connection.execute(
            "INSERT INTO raw.sales BY NAME FROM (SELECT range + 10 AS id, "
            "hash(range) / 1e20 AS amount, "
            "'music' AS category, now() AS created_at FROM range(200_000))"
        )
    whole = shop.database.read_bytes()
    shop.database.write_bytes(whole[: int(len(whole) * left)])
    shop.write_rows(4)
    shop.run().is_told("data/sales.duckdb", "backup")
    assert shop.published() == GOOD
    shop.database.write_bytes(whole)
    shop.run_well()
    assert len(shop.published()) == 200_004


def checksum(block: bytes) -> int:
    """What DuckDB writes before a block of its file."""
    total = 5381
    for (number,) in struct.iter_unpack("<Q", block):
        total ^= number * 0xBF58476D1CE4E5B9 % 2**64
    return total


def test_a_warehouse_of_a_newer_version_is_one_message_and_stays_as_it_is(shop: Shop) -> None:
    """The message says which version the file has, and what to do."""
    whole = shop.database.read_bytes()
    newer = bytearray(whole)
    newer[12:20] = struct.pack("<Q", 99)
    newer[:8] = struct.pack("<Q", checksum(bytes(newer[8:4096])))
    shop.database.write_bytes(newer)
    shop.run().is_told("data/sales.duckdb", "version", "99")
    assert shop.database.read_bytes() == newer
    shop.database.write_bytes(whole)
    is_as_it_was(shop)


@pytest.mark.parametrize("name", ["history/runs.db", "history/runs/index.db"])
@pytest.mark.parametrize("damage", ["garbage", "half"])
def test_a_corrupt_history_is_one_message(shop: Shop, name: str, damage: str) -> None:
    """Nothing is loaded; with the store moved away the next run goes through."""
    path = shop.root / ".dagster" / name
    whole = path.read_bytes()
    for part in path.parent.glob(f"{path.name}-*"):
        part.unlink()
    path.write_bytes(b"garbage" * 4096 if damage == "garbage" else whole[: len(whole) // 2])
    shop.write_rows(4)
    shop.run().is_told(".dagster", "move .dagster away")
    is_as_it_was(shop)
    (shop.root / ".dagster").rename(shop.root / ".dagster.bad")
    shop.run_well()
    assert shop.published() == [(4, 1.0)]
