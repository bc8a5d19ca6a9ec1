"""What the code of a run prints on one host is read on another."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from pathlib import Path

import pytest
from dagster._core.storage.compute_log_manager import CapturedLogData, ComputeIOType
from tests.object_store_fixtures import forget_stores, s3_bucket, s3_server, shared_place
from tests.service_fixtures import until, write_project

from dataflow.runs import shared_compute_logs
from dataflow.runs.instance import open_instance
from dataflow.runs.shared_compute_logs import SharedComputeLogs
from dataflow.runs.shared_run import forget_shared
from dataflow.shared.project import Project
from dataflow.shared.store_address import open_store

__all__ = ["forget_stores", "s3_bucket", "s3_server", "shared_place"]

KEY = ["run-id", "compute_logs", "step"]
PRINTED = "printed ünd shown\n"


@pytest.fixture
def hosts(tmp_path: Path, shared_place: str) -> list[Project]:
    """The same project on two disks, which share a place."""
    made = [write_project(tmp_path / name) for name in ("first", "second")]
    for root in made:
        with (root / "pyproject.toml").open("a") as file:
            file.write(f'state_store = "{shared_place}"\n')
    return [Project(root) for root in made]


def keeper(project: Project) -> SharedComputeLogs:
    """What Dagster gives whoever opens the project's history."""
    with open_instance(project) as instance:
        kept = instance.compute_log_manager
    assert isinstance(kept, SharedComputeLogs)
    return kept


def printed(text: str) -> None:
    """Print, as any program does."""
    os.write(sys.stdout.fileno(), text.encode())


def shown(logs: SharedComputeLogs) -> str:
    """What Dagster's UI shows of standard output."""
    return (logs.get_log_data(KEY).stdout or b"").decode()


def test_another_host_reads_what_is_printed_while_it_is_and_afterwards(
    hosts: list[Project],
    shared_place: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In pieces, whole at the end, and by who has subscribed; retention deletes it."""
    monkeypatch.setattr(shared_compute_logs, "_SECONDS_BETWEEN_COPIES", 0.05)
    monkeypatch.setattr(shared_compute_logs, "_SECONDS_BETWEEN_LOOKS", 0.05)
    here, there = (keeper(project) for project in hosts)
    told: list[CapturedLogData] = []
    told_twice = threading.Event()

    def tell_slowly(part: CapturedLogData) -> None:
        if told:
            told_twice.set()
        told.append(part)
        told_twice.wait(0.3)

    def all_told() -> str:
        return "".join((part.stdout or b"").decode() for part in told)

    with here.capture_logs(KEY):
        printed(PRINTED * 2)
        until(lambda: shown(there) == PRINTED * 2, "what is printed so far")
        assert not there.is_capture_complete(KEY)
        subscription = there.subscribe(KEY)(tell_slowly)
        assert all_told() == PRINTED * 2
        printed(PRINTED)
        until(lambda: len(all_told()) >= len(PRINTED * 3), "what is new")
    assert all_told() == PRINTED * 3
    until(lambda: subscription.is_complete, "the end of the subscription")
    subscription.dispose()
    there.dispose()
    assert there.is_capture_complete(KEY)
    assert shown(here) == shown(there) == PRINTED * 3
    assert there.get_log_data(KEY).stderr == b""
    assert there.get_log_metadata(KEY).stdout_download_url == "/logs/run-id/compute_logs/step/out"
    store = open_store(shared_place, "state_store", hosts[0].root)
    names = {file.name for file in store.list("logs")}
    assert names == {"logs/run-id/compute_logs/step.out", "logs/run-id/compute_logs/step.err"}
    forget_shared(hosts[0], ["run-id"], "sales")
    assert store.list("logs")
    forget_shared(hosts[0], ["run-id"])
    assert not store.list("logs")
    assert shown(there) == PRINTED * 3
    with pytest.raises(ValueError, match="Invalid path"):
        there.cloud_storage_has_logs(["..", "..", "state"], ComputeIOType.STDOUT)


def test_a_shared_place_that_is_gone_fails_no_run(
    hosts: list[Project],
    tmp_path: Path,
    request: pytest.FixtureRequest,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """What is printed is kept on the run's host, which waits once; others see nothing."""
    if "s3" in request.node.name:
        pytest.skip("one kind of place is enough")
    here, there = (keeper(project) for project in hosts)
    shutil.rmtree(tmp_path / "shared")

    def prints() -> None:
        with here.capture_logs(KEY):
            printed(PRINTED)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prints()
    assert capfd.readouterr().err.count("cannot be shared") == 1
    assert shown(here) == PRINTED
    assert shown(there) == ""
    assert not there.is_capture_complete(KEY)


@pytest.fixture
def shared(tmp_path: Path) -> tuple[SharedComputeLogs, Path]:
    """What keeps the output of a project, and the folder that its machines share."""
    project = Project(write_project(tmp_path / "shop"))
    (tmp_path / "shared").mkdir()
    with (project.root / "pyproject.toml").open("a") as file:
        file.write(f'state_store = "{tmp_path / "shared"}"\n')
    base = str(project.dagster_home / "storage")
    return SharedComputeLogs.from_config_value(None, {"base_dir": base}), tmp_path / "shared"


def test_what_was_printed_is_deleted_here_and_in_the_shared_place(
    shared: tuple[SharedComputeLogs, Path],
) -> None:
    """Of one step, or of all of a run; of the others nothing."""
    logs, place = shared
    for key in (["a", "compute_logs", "one"], ["a", "compute_logs", "two"], ["b", "c", "one"]):
        with logs.capture_logs(key):
            printed("x")
    (place / "logs/a/compute_logs/one.out.partial").write_text("x")

    def left() -> set[str]:
        found = (path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file())
        return {name.rpartition(".")[0] for name in found}

    logs.delete_logs(log_key=["a", "compute_logs", "one"])
    assert left() == {"logs/a/compute_logs/two", "logs/b/c/one"}
    assert logs.get_log_data(["a", "compute_logs", "one"]).stdout is None
    logs.delete_logs(prefix=["a"])
    assert left() == {"logs/b/c/one"}
    assert not logs.is_capture_complete(["a", "compute_logs", "two"])
    found = logs.get_log_keys_for_log_key_prefix(["b", "c"], ComputeIOType.STDOUT)
    assert found == [["b", "c", "one"]]


def test_a_shared_place_that_is_no_longer_set_fails_no_run(
    shared: tuple[SharedComputeLogs, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is there for others; what is on this machine is."""
    logs, _ = shared
    (tmp_path / "shop" / "pyproject.toml").write_text("[tool.dataflow]\n")
    assert not logs.cloud_storage_has_logs(KEY, ComputeIOType.STDOUT)
    logs.delete_logs(KEY)
    assert logs.inst_data is None


def test_who_stops_looking_is_told_no_more(shared: tuple[SharedComputeLogs, Path]) -> None:
    """A service that ends leaves no thread that looks for news."""
    logs, _ = shared
    logs.subscribe(KEY)(lambda _: None)
    logs.subscribe(KEY)(lambda _: None)
    followed = list(logs._followed.values())
    assert [each.is_set() for each in followed] == [False, False]
    logs.dispose()
    assert [each.is_set() for each in followed] == [True, True]
    assert logs._followed == {}
