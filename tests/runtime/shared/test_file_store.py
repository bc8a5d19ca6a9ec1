"""What every place that machines share promises, held against real ones."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.object_store_fixtures import (
    KEY,
    SECRET,
    Faults,
    S3Server,
    forget_stores,
    rclone_server,
    s3_bucket,
    s3_faults,
    s3_server,
    shared_place,
)

from dataflow.shared.errors import BadInputError, MissingDependencyError
from dataflow.shared.file_store import FileStore, NotStoredError, StoreError
from dataflow.shared.store_address import _opened, open_store
from dataflow.shared.store_trial import try_store

__all__ = ["forget_stores", "rclone_server", "s3_bucket", "s3_faults", "s3_server", "shared_place"]


@pytest.fixture
def store(shared_place: str, tmp_path: Path) -> FileStore:
    """An empty place of each kind."""
    return open_store(shared_place, "state_store", tmp_path)


@pytest.mark.slow
def test_files_go_in_and_come_back(store: FileStore, tmp_path: Path) -> None:
    """Whole, under names with folders, listed with sizes, and gone when they are deleted."""
    (tmp_path / "a").write_bytes(b"rows" * 1000)
    store.put(tmp_path / "a", "runs/1/a.parquet")
    store.write("runs/2/b.json", b"{}")
    store.get("runs/1/a.parquet", tmp_path / "deep" / "back")

    assert (tmp_path / "deep" / "back").read_bytes() == b"rows" * 1000
    found = store.list()
    assert [(each.name, each.size) for each in found] == [
        ("runs/1/a.parquet", 4000),
        ("runs/2/b.json", 2),
    ]
    assert all(abs(each.modified.timestamp() - time.time()) < 60 for each in found)
    assert [each.name for each in store.list("runs/2")] == ["runs/2/b.json"]
    assert (store.size("runs/2/b.json"), store.size("runs/2/none")) == (2, None)

    store.delete_folder("runs/1")
    store.delete_folder("runs/1")
    store.delete(["runs/2/b.json", "runs/2/b.json"])
    assert list(store.list()) == []


def test_what_is_not_there_is_said_to_be_missing(store: FileStore, tmp_path: Path) -> None:
    """A missing file is no fault of the store, and leaves nothing behind on this machine."""
    assert store.read("none").data is None
    assert list(store.list("none")) == []
    with pytest.raises(NotStoredError, match="none"):
        store.get("none", tmp_path / "target" / "file")
    assert list((tmp_path / "target").iterdir()) == []


def test_a_file_is_written_only_if_it_is_what_was_read(store: FileStore) -> None:
    """Whoever read an older version, or nothing, does not undo what came after."""
    assert store.write_if("m.json", b"1", "")
    assert not store.write_if("m.json", b"2", "")
    read = store.read("m.json")
    assert store.write_if("m.json", b"3", read.version)
    assert not store.write_if("m.json", b"4", read.version)
    assert store.read("m.json").data == b"3"
    assert [each.name for each in store.list()] == ["m.json"]


def test_a_trial_leaves_nothing(store: FileStore) -> None:
    """What an environment's check says of a place is what was done there."""
    assert try_store(store).startswith("written, read, listed and deleted")
    assert list(store.list()) == []


@pytest.mark.slow
def test_many_who_count_at_once_lose_no_number(store: FileStore) -> None:
    """Reading, adding one and writing under the condition is one step for all who do it."""

    def add(_: int) -> None:
        while True:
            read = store.read("count")
            if store.write_if("count", b"%d" % (int(read.data or b"0") + 1), read.version):
                return

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(20)))
    assert store.read("count").data == b"20"


def test_an_address_that_cannot_be_shared_is_refused(tmp_path: Path) -> None:
    """Memory, unknown schemes and addresses with a password are refused before anything is done."""
    for address, said in (
        ("memory://x", "not a place"),
        ("ftp://host/x", "not a place"),
        ("s3://key:password@bucket/x", "holds a key"),
        ("s3://", "does not name a bucket"),
    ):
        with pytest.raises(BadInputError, match=said) as caught:
            open_store(address, "publish_target", tmp_path)
        assert "password@" not in str(caught.value)
    assert open_store(f"file://{tmp_path}", "state_store", tmp_path).url == str(tmp_path)


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """A disk that is not mounted must not turn into a folder of this machine."""
    store = open_store("shared", "state_store", tmp_path)
    with pytest.raises(StoreError, match="not there"):
        store.write("a", b"")
    assert not (tmp_path / "shared").exists()


def test_an_absent_extra_is_named(tmp_path: Path) -> None:
    """What is not installed is said with the command that installs it."""
    store = open_store("gs://bucket/shop", "state_store", tmp_path)
    with pytest.raises(MissingDependencyError, match=r"dataflow-runtime\[gcs\]"):
        store.read("a")


@pytest.mark.slow
def test_a_wrong_key_is_one_message(
    rclone_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that checks keys says no once, and no key is shown."""
    for name, value in rclone_server.environment().items():
        monkeypatch.setenv(name, value)
    store = open_store("s3://bucket/shop", "state_store", tmp_path)
    store.write("a", b"1")
    _opened.cache_clear()
    for name, value in (("AWS_SECRET_ACCESS_KEY", "wrong-secret"), ("AWS_ACCESS_KEY_ID", "NOBODY")):
        monkeypatch.setenv(name, value)
        with pytest.raises(StoreError, match="AWS_ACCESS_KEY_ID") as caught:
            open_store("s3://bucket/shop", "state_store", tmp_path).read("a")
        assert not {KEY, SECRET, "wrong-secret", "NOBODY"} & set(str(caught.value).split())
        _opened.cache_clear()


@pytest.mark.slow
def test_a_store_that_ignores_conditions_is_refused(
    rclone_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two who write at once would undo each other's work in silence."""
    for name, value in rclone_server.environment().items():
        monkeypatch.setenv(name, value)
    store = open_store("s3://bucket/ignoring", "publish_target", tmp_path)
    with pytest.raises(StoreError, match="If-None-Match"):
        store.write_if("manifest.json", b"1", "")
    with pytest.raises(StoreError, match="If-None-Match"):
        try_store(store)
    assert list(store.list()) == []


@pytest.mark.slow
def test_a_bucket_that_is_not_there_is_named(s3_bucket: str, tmp_path: Path) -> None:
    """A slip in the setting is told from a missing file, for reading, writing and listing."""
    store = open_store("s3://no-such-bucket/x", "publish_target", tmp_path)
    (tmp_path / "file").write_text("1")
    for call in (
        lambda: store.read("a"),
        lambda: store.write("a", b""),
        lambda: store.write_if("a", b"", ""),
        lambda: store.list(),
        lambda: store.put(tmp_path / "file", "a"),
        lambda: store.get("a", tmp_path / "b"),
    ):
        with pytest.raises(StoreError, match="no bucket no-such-bucket"):
            call()


@pytest.mark.slow
def test_a_store_that_does_not_answer_is_told_of_soon(
    s3_faults: Faults, s3_bucket: str, tmp_path: Path
) -> None:
    """Errors that pass are outlasted; others end in one message within seconds."""
    store = open_store(s3_bucket, "state_store", tmp_path)
    (tmp_path / "file").write_bytes(b"x" * 3_000_000)
    s3_faults.broken = 2
    store.put(tmp_path / "file", "a")
    s3_faults.broken = 2
    assert store.size("a") == 3_000_000

    s3_faults.broken = 100
    with pytest.raises(StoreError, match="InternalError"):
        store.write("b", b"")
    s3_faults.status, s3_faults.code = 403, "AccessDenied"
    with pytest.raises(StoreError, match="does not allow"):
        store.list()

    s3_faults.broken, s3_faults.delay = 0, 0.5
    assert store.size("a") == 3_000_000
    s3_faults.delay = 0
    s3_faults.stop()
    started = time.monotonic()
    with pytest.raises(StoreError, match="cannot be reached"):
        store.put(tmp_path / "file", "c")
    assert time.monotonic() - started < 10
    s3_faults.start()
    assert store.read("c").data is None


@pytest.mark.slow
def test_an_upload_that_is_killed_leaves_no_file(
    s3_faults: Faults, s3_bucket: str, tmp_path: Path
) -> None:
    """Half a file under its name would be read as a whole one."""
    (tmp_path / "file").write_bytes(b"x" * 3_000_000)
    s3_faults.holds_uploads = True
    code = (
        "import sys; from pathlib import Path\n"
        "from dataflow.shared.store_address import open_store\n"
        "open_store(sys.argv[1], 'state_store', Path()).put(Path(sys.argv[2]), 'a')"
    )
    process = subprocess.Popen([sys.executable, "-c", code, s3_bucket, str(tmp_path / "file")])
    assert s3_faults.upload_came.wait(60)
    process.kill()
    process.wait()
    s3_faults.holds_uploads = False
    s3_faults.ended.set()

    store = open_store(s3_bucket, "state_store", tmp_path)
    assert store.read("a").data is None
    store.put(tmp_path / "file", "a")
    assert store.size("a") == 3_000_000
