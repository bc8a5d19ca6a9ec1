"""Services on several machines that are asked for the same run at once."""

from __future__ import annotations

import threading
from pathlib import Path

from tests.dashboard_fixtures import new_project
from tests.object_store_fixtures import forget_stores, s3_bucket, s3_server, shared_place

from dataflow.service.launch_claim import claimed_launch
from dataflow.shared.project import Project
from dataflow.shared.store_address import open_store

__all__ = ["forget_stores", "s3_bucket", "s3_server", "shared_place"]


def machine(folder: Path, shared_place: str) -> Project:
    """One of several machines of a project."""
    new_project(folder)
    (folder / "pyproject.toml").write_text(f'[tool.dataflow]\nstate_store = "{shared_place}"\n')
    return Project(folder)


def test_of_many_who_are_asked_at_once_one_launches(shared_place: str, tmp_path: Path) -> None:
    """Each looks and launches with nobody in between, and no claim is left."""
    launched: list[int] = []
    start = threading.Barrier(4)

    def ask(number: int) -> None:
        project = machine(tmp_path / str(number), shared_place)
        start.wait()
        with claimed_launch(project, "key", lambda: bool(launched)):
            if not launched:
                # Whoever came in between would not see it yet.
                threading.Event().wait(0.05)
                launched.append(number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(launched) == 1
    assert list(open_store(shared_place, "state_store", tmp_path).list()) == []


def test_who_died_with_a_claim_is_waited_for(shared_place: str, tmp_path: Path) -> None:
    """A service that ended between claim and launch keeps nobody from launching for ever."""
    project = machine(tmp_path / "one", shared_place)
    open_store(shared_place, "state_store", tmp_path).write("launches/key", b"dead")
    with claimed_launch(project, "key", lambda: False, patience=0.3):
        pass
    assert list(open_store(shared_place, "state_store", tmp_path).list()) == []
