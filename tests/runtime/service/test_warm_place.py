"""Where a warm process is: one for all who would load the same, and for nobody else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dataflow.service.warm_place import HARMLESS_VARIABLES, WarmPlaceError, warm_place

# Reads that find nothing are seen, and no library can find these by going through all.
WATCH = """
import os
read = set()
get = type(os.environ).__getitem__
def item(self, key):
    read.add(key)
    return get(self, key)
type(os.environ).__getitem__ = item
from dataflow.service.warm_libraries import load_libraries
load_libraries(["dataflow.cli.main", "dataflow.cli.workflow_run"])
type(os.environ).__getitem__ = get
print(*sorted(read))
"""


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder that a system gives a user, with the short path that a socket needs."""
    folder = Path(tempfile.mkdtemp(prefix="df"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    yield folder
    shutil.rmtree(folder)


@pytest.mark.slow
def test_no_library_reads_what_may_differ() -> None:
    """Whoever has another value of such a variable gets a process that was made without it."""
    environ = {k: v for k, v in os.environ.items() if k not in HARMLESS_VARIABLES}
    command = [sys.executable, "-P", "-c", WATCH]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    read = set(done.stdout.split())
    assert {"NO_COLOR", "TZ"} <= read
    assert not read & HARMLESS_VARIABLES


def test_every_other_variable_has_a_place_of_its_own(runtime: Path) -> None:
    """Also one that nobody knows."""
    known = dict(os.environ)
    place = warm_place(runtime, known)
    assert warm_place(runtime, {**known, "SSH_TTY": "/dev/pts/1"}) == place
    assert warm_place(runtime, {**known, "MY_PASSWORD": "x"}) != place
    assert warm_place(runtime / "other", known) != place


def test_what_is_installed_has_a_place_of_its_own(
    runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Something new in a folder of modules, and another order of them."""
    folder = runtime / "modules"
    folder.mkdir()
    monkeypatch.setattr(sys, "path", [*sys.path, str(folder)])
    before = warm_place(runtime)
    os.utime(folder, ns=(1, 1))
    assert warm_place(runtime) != before


def test_one_process_owns_a_place(runtime: Path) -> None:
    """Until it ends, however it does."""
    place = warm_place(runtime)
    owned = place.own()
    assert owned is not None
    assert place.own() is None
    place.remove()
    owned.close()
    again = place.own()
    assert again is not None
    again.close()


def test_a_folder_that_others_can_look_into_is_refused(runtime: Path) -> None:
    """Who connects sends all variables."""
    (runtime / "dataflow").mkdir(mode=0o755)
    with pytest.raises(WarmPlaceError, match="only you"):
        warm_place(runtime)


def test_a_link_is_no_such_folder(runtime: Path) -> None:
    """Somebody else may have made it."""
    (runtime / "elsewhere").mkdir(mode=0o700)
    (runtime / "dataflow").symlink_to(runtime / "elsewhere")
    with pytest.raises(WarmPlaceError, match="only you"):
        warm_place(runtime)
