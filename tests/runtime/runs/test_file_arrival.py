"""New files start a run, once each, when they are whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from dagster import DagsterInstance, build_sensor_context
from moto.server import ThreadedMotoServer
from tests.service_fixtures import write_project, write_workflow

from dataflow.runs import file_arrival
from dataflow.runs.code_location import build_definitions
from dataflow.runs.file_arrival import Arrivals, FileArrivalError, arrived_files
from dataflow.shared.project import Project, use_project
from dataflow.shared.trigger_settings import FileArrival


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(write_project(tmp_path / "shop"))


def test_a_run_starts_when_nothing_changes_any_more() -> None:
    """Not while a file grows, not for one that went, and not again for one that was seen."""
    known = Arrivals(["old"])
    settings = FileArrival(
        url="in", wait_after_last_change_seconds=10, min_time_between_triggers_seconds=60
    )
    assert known.look({"old"}, settings, 0) == "No new file."
    assert "still changing" in known.look({"old", "a1"}, settings, 1)
    assert "still changing" in known.look({"old", "a2"}, settings, 9)
    assert "still changing" in known.look({"old", "a2"}, settings, 18)
    assert "too short a time ago" in known.look({"old", "a2"}, settings, 20)
    assert known.look({"old", "a2"}, settings, 61) == ""
    assert known.look({"a2"}, settings, 62) == "No new file."
    assert "still changing" in known.look({"a2", "b"}, settings, 63)
    assert "too short a time ago" in known.look({"a2", "b"}, settings, 80)
    assert known.look({"a2", "b"}, settings, 130) == ""


def test_files_are_told_from_their_next_versions(project: Project) -> None:
    """By name, size and time; folders are looked through, patterns hold, and nothing is nothing."""
    folder = project.root / "data" / "in"
    assert arrived_files(project, "data/in") == set()
    (folder / "deep").mkdir(parents=True)
    (folder / "a.csv").write_text("1")
    (folder / "deep" / "b.txt").write_text("1")
    first = arrived_files(project, "data/in")
    assert len(first) == 2
    assert len(arrived_files(project, "data/in/*.csv")) == 1
    os.utime(folder / "a.csv", (1, 1))
    assert len(arrived_files(project, "data/in") & first) == 1
    with pytest.raises(FileArrivalError, match="nosuch"):
        arrived_files(project, "nosuch://bucket/in")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """A bucket `shop` behind S3's own protocol, on this machine."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    url = f"http://127.0.0.1:{server.get_host_and_port()[1]}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test-secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    # Who asks is looked for, and not whether it is so.
    signed = {
        "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request"
    }
    with httpx.Client(base_url=f"{url}/shop/", headers=signed, trust_env=False) as client:
        client.put("").raise_for_status()
        yield client
    server.stop()


@pytest.mark.slow
def test_objects_of_a_bucket_arrive_like_files(project: Project, bucket: httpx.Client) -> None:
    """Through the sensor: new ones and rewritten ones start a run, an empty folder none."""
    address = "s3://shop/in/"
    trigger = f"{{file_arrival: {{url: '{address}', wait_after_last_change_seconds: 0}}}}"
    write_workflow(project.root, "shop", schedule=f"null, trigger: {trigger}")
    assert arrived_files(project, address) == set()
    with use_project(project), DagsterInstance.ephemeral() as instance:
        repository = build_definitions(project).get_repository_def()
        sensor = repository.get_sensor_def("shop_file_arrival")
        seen = sensor.evaluate_tick(build_sensor_context(instance))
        for body in (b"1", b"12"):
            for key in ("in/deep/a b.csv", "other.csv"):
                bucket.put(key, content=body).raise_for_status()
            seen = sensor.evaluate_tick(build_sensor_context(instance, cursor=seen.cursor))
            assert len(seen.run_requests or []) == 1
            seen = sensor.evaluate_tick(build_sensor_context(instance, cursor=seen.cursor))
            assert not seen.run_requests
    assert len(arrived_files(project, "s3://shop/*.csv")) == 1
    with pytest.raises(FileArrivalError, match="no bucket nowhere"):
        arrived_files(project, "s3://nowhere/in/")


def test_a_look_that_fails_is_a_line_with_its_reason(
    project: Project, bucket: httpx.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not a traceback; said once, whatever looks follow; what was seen before stays known."""
    trigger = "{file_arrival: {url: 's3://nowhere/in/', wait_after_last_change_seconds: 0}}"
    write_workflow(project.root, "shop", schedule=f"null, trigger: {trigger}")
    with use_project(project), DagsterInstance.ephemeral() as instance:
        repository = build_definitions(project).get_repository_def()
        sensor = repository.get_sensor_def("shop_file_arrival")
        looks = [
            sensor.evaluate_tick(build_sensor_context(instance, cursor='{"seen": ["a"]}'))
            for _ in range(2)
        ]
        bucket.put(f"{os.environ['AWS_ENDPOINT_URL']}/nowhere").raise_for_status()
        seen = sensor.evaluate_tick(build_sensor_context(instance, cursor=looks[-1].cursor))
    assert all("no bucket nowhere" in str(look.skip_message) for look in looks)
    assert all(look.cursor == '{"seen": ["a"]}' for look in looks)
    assert seen.skip_message == "No new file."
    output = capsys.readouterr()
    assert (output.out + output.err).count("no bucket nowhere") == 1


def test_the_sensor_of_config_yaml_asks_for_a_run(project: Project) -> None:
    """On from the start; what was there before starts nothing; a partitioned job has none."""
    trigger = "null, trigger: {file_arrival: {url: data/in, wait_after_last_change_seconds: 0}}"
    write_workflow(project.root, "shop", schedule=trigger)
    write_workflow(project.root, "parted", schedule=f"{trigger}, partition: {{by: [eu, us]}}")
    (project.root / "data" / "in").mkdir(parents=True)
    (project.root / "data" / "in" / "old.csv").write_text("1")
    with use_project(project), DagsterInstance.ephemeral() as instance:
        repository = build_definitions(project).get_repository_def()
        assert [sensor.name for sensor in repository.sensor_defs] == ["shop_file_arrival"]
        sensor = repository.get_sensor_def("shop_file_arrival")
        assert sensor.default_status.value == "RUNNING"
        first = sensor.evaluate_tick(build_sensor_context(instance))
        assert not first.run_requests
        (project.root / "data" / "in" / "new.csv").write_text("1")
        second = sensor.evaluate_tick(build_sensor_context(instance, cursor=first.cursor))
        assert second.run_requests is not None
        [asked] = second.run_requests
        assert asked.tags["dataflow/trigger"] == "file_arrival"
        third = sensor.evaluate_tick(build_sensor_context(instance, cursor=second.cursor))
        assert not third.run_requests


def test_more_files_than_a_trigger_takes_are_refused(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as it takes are not; what is no file is not counted."""
    monkeypatch.setattr(file_arrival, "_MOST_FILES", 2)
    folder = project.root / "in"
    (folder / "deep").mkdir(parents=True)
    for name in ("a", "b"):
        (folder / name).touch()
    assert len(arrived_files(project, "in/*")) == 2
    (folder / "c").touch()
    with pytest.raises(FileArrivalError, match=r"There are 3 files at .*; a trigger takes 2\."):
        arrived_files(project, "in/*")
    assert arrived_files(project, f"file://{folder}/gone") == set()
