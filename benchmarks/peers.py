"""Ways of benchmarks/pipeline.py: folders of benchmarks/peers/, each with its own environment.

`run.sh` of such a folder is the command that is measured. It reads `sales.csv` beside it and leaves
the mart in `published.parquet`. What is in requirements.txt is installed once, into .cache/bench/.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from measuring import BIN, Cost, measure, say
from sales_data import Sales, prove, prove_loaded, prove_types

PEERS = Path(__file__).resolve().parent / "peers"
CACHE = PEERS.parents[1] / ".cache" / "bench"
TIMEOUT = 900.0
INSTALL_TIMEOUT = 600.0
# What tells their makers of each run.
QUIET = {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "KEDRO_DISABLE_TELEMETRY": "1",
    "SQLMESH__DISABLE_ANONYMIZED_ANALYTICS": "1",
    "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false",
}


@dataclass(frozen=True)
class Peer:
    """One way from the file to the mart.

    Args:
        title: Its name in the results.
        folder: Its folder in benchmarks/peers/.
        shared: Folders there that it takes files of, each by where they are laid.
        slow: Whether it is given fewer rows.
        absent: Why it cannot be had, if it cannot.
    """

    title: str
    folder: str
    shared: dict[str, str] = field(default_factory=dict)
    slow: bool = False
    absent: str = ""


class NotInstalledError(Exception):
    """A peer's packages could not be installed; says why in one line."""


def environment(peer: Peer) -> Path:
    """The folder of programs of a peer's environment, made if it is not there yet.

    Args:
        peer: Whose.

    Returns:
        The environment's `bin`; that of this process for a peer without requirements.txt.

    Raises:
        NotInstalledError: It is not there and cannot be made.
    """
    requirements = PEERS / peer.folder / "requirements.txt"
    if peer.absent:
        raise NotInstalledError(peer.absent)
    if not requirements.is_file():
        return BIN
    further = PEERS / peer.folder / "install.sh"
    says = [requirements]
    if further.is_file():
        says = sorted(path for path in further.parent.iterdir() if path.is_file())
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in says)).hexdigest()[:8]
    place = CACHE / f"{peer.folder}-{digest}"
    if (place / "ready").is_file():
        return place / "bin"
    say(f"  installing {peer.title} into {place.relative_to(PEERS.parents[1])} …")
    began = time.monotonic()
    shutil.rmtree(place, ignore_errors=True)
    pip = [place / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-input"]
    commands = [
        [sys.executable, "-m", "venv", place],
        [*pip, "--disable-pip-version-check", "-r", requirements],
    ]
    if further.is_file():
        commands.append(["sh", further, place])
    for command in commands:
        _install(command, place)
    (place / "ready").touch()
    say(f"  installed in {time.monotonic() - began:.0f} s")
    return place / "bin"


def _install(command: list[str | Path], place: Path) -> None:
    variables = {**os.environ, "PATH": f"{place / 'bin'}:{os.environ['PATH']}", **QUIET}
    try:
        subprocess.run(
            [str(part) for part in command],
            check=True,
            capture_output=True,
            text=True,
            timeout=INSTALL_TIMEOUT,
            env=variables,
        )
    except subprocess.TimeoutExpired:
        raise NotInstalledError(f"installing took over {INSTALL_TIMEOUT:.0f} s") from None
    except subprocess.CalledProcessError as error:
        lines = [line for line in error.stderr.splitlines() if line.strip()] or ["no reason given"]
        raise NotInstalledError(lines[-1][:200]) from None


@dataclass(frozen=True)
class Place:
    """A folder in which a peer is run.

    Args:
        peer: Who.
        folder: The folder, with the peer's files and the link `sales.csv`.
        programs: Its environment's `bin`.
    """

    peer: Peer
    folder: Path
    programs: Path

    def run(self, sales: Sales, script: str = "run.sh") -> Cost:
        """Run a script of the peer on a file, and prove what it made."""
        lay(self.folder / "sales.csv", sales.path)
        began = time.time()
        variables = {
            **QUIET,
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "DLT_DATA_DIR": str(self.folder / ".dlt-data"),
            "DAGSTER_HOME": str(self.folder / ".dagster"),
            "BENCH_ENVIRONMENT": str(self.programs.parent),
        }
        cost = measure(["sh", script], self.folder, timeout=TIMEOUT, environment=variables)
        if script == "run.sh":
            published = self.folder / "published.parquet"
            prove(self.peer.title, published, sales, began)
            prove_types(self.peer.title, f"FROM read_parquet('{published}')")
        if script == "load.sh":
            prove_loaded(self.peer.title, self.folder / "warehouse.duckdb", "sales", sales)
        return cost

    def warm_up(self, sales: Sales) -> None:
        """Run it for the first time, by `first.sh` where a first time is another command."""
        if (self.folder / "first.sh").is_file():
            self.run(sales, "first.sh")
        self.run(sales)


def make_place(peer: Peer, top: Path, programs: Path) -> Place:
    """Lay a peer's files into a folder of its own, with those it shares with others."""
    folder = top / peer.folder
    for source, target in {**peer.shared, peer.folder: "."}.items():
        shutil.copytree(PEERS / source, folder / target, dirs_exist_ok=True)
    (folder / ".dagster").mkdir()
    return Place(peer, folder, programs)


def lay(link: Path, file: Path) -> None:
    """Have a link lead to a file, whatever it led to."""
    link.unlink(missing_ok=True)
    link.symlink_to(file)
