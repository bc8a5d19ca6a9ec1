"""What a collector of OpenTelemetry gets of a run, over real HTTP."""

from __future__ import annotations

import gzip
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from dataflow.runs.run_progress import RunEvent, RunProgress
from dataflow.runs.telemetry import _exporter, _exporter_name, traced
from dataflow.shared.logging import configure_logging, get_logger
from dataflow.shared.project import Project

RUN_ID = str(UUID(int=7))


class Collector(BaseHTTPRequestHandler):
    spans: ClassVar[list[Any]]
    lines: ClassVar[list[Any]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        if "traces" in self.path:
            traces = ExportTraceServiceRequest.FromString(body)
            scopes = [scope for each in traces.resource_spans for scope in each.scope_spans]
            self.spans.extend(span for scope in scopes for span in scope.spans)
        else:
            logs = ExportLogsServiceRequest.FromString(body)
            of_logs = [scope for each in logs.resource_logs for scope in each.scope_logs]
            self.lines.extend(line for scope in of_logs for line in scope.log_records)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Collector]]:
    class Own(Collector):
        spans: ClassVar[list[Any]] = []
        lines: ClassVar[list[Any]] = []

    with HTTPServer(("127.0.0.1", 0), Own) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        yield Own
        server.shutdown()


def steps(progress: RunProgress) -> None:
    progress.add(RunEvent("start", 100.0, "load_shop"))
    progress.add(RunEvent("output", 101.0, "load_shop", summary="3 rows", rows=3))
    progress.add(RunEvent("success", 102.0, "load_shop"))
    progress.add(RunEvent("start", 102.0, "model_shop"))
    progress.add(RunEvent("failure", 103.0, "model_shop", message="a test failed"))


def test_a_run_is_a_trace_and_its_steps_are_spans(
    tmp_path: Path, collector: type[Collector]
) -> None:
    """The trace has the run's id; what failed is an error; lines logged belong to it."""
    configure_logging()
    progress = RunProgress("shop", Project(tmp_path))
    with traced("shop", RUN_ID, progress):
        get_logger("shop").info("open", till=2)
        steps(progress)
    spans = {span.name: span for span in collector.spans}
    run = spans["run shop"]
    assert {span.trace_id.hex() for span in spans.values()} == {RUN_ID.replace("-", "")}
    assert {spans["load"].parent_span_id, spans["model"].parent_span_id} == {run.span_id}
    assert spans["load"].end_time_unix_nano - spans["load"].start_time_unix_nano == 2 * 10**9
    assert [spans[name].status.code for name in ("load", "model", "run shop")] == [0, 2, 2]
    assert [line.body.string_value for line in collector.lines] == ["open till=2"]
    assert collector.lines[0].trace_id == run.trace_id
    left = [type(handler).__name__ for handler in logging.getLogger("dataflow").handlers]
    assert "LoggingHandler" not in left


def test_without_a_variable_nothing_is_imported(tmp_path: Path) -> None:
    """A run is not slower for what nobody has asked for."""
    code = (
        "import sys; from dataflow.runs.telemetry import traced\n"
        "with traced('shop', 'x', None): pass\n"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry.sdk')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={}, cwd=tmp_path)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that asks for nothing yet."""
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    return monkeypatch


def test_the_exporter_is_what_the_environment_asks_for(asked: pytest.MonkeyPatch) -> None:
    """By name, or by an address; of each kind, before what is said for both."""
    assert _exporter_name("TRACES") == ""
    asked.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://nowhere")
    assert (_exporter_name("TRACES"), _exporter_name("LOGS")) == ("otlp_proto_http", "")
    asked.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    asked.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://nowhere")
    asked.setenv("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "http/protobuf")
    assert _exporter_name("TRACES") == "otlp_proto_grpc"
    assert _exporter_name("LOGS") == "otlp_proto_http"
    asked.setenv("OTEL_TRACES_EXPORTER", "none")
    asked.setenv("OTEL_LOGS_EXPORTER", "console")
    assert (_exporter_name("TRACES"), _exporter_name("LOGS")) == ("", "console")


def test_a_collector_that_does_not_answer_is_not_waited_for_long(
    asked: pytest.MonkeyPatch,
) -> None:
    """Unless the environment says how long."""
    assert _exporter("TRACES", "otlp_proto_http")._client._timeout == 3
    asked.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "8")
    assert _exporter("TRACES", "otlp_proto_http")._client._timeout == 8


def test_an_exporter_that_there_is_not_fails_no_run(
    tmp_path: Path, asked: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is lacking is said, and the run goes on; switched off, nothing is said."""
    configure_logging()
    asked.setenv("OTEL_TRACES_EXPORTER", "nobodys")
    done = []
    with traced("shop", RUN_ID, RunProgress("shop", Project(tmp_path))):
        done.append(1)
    assert "no exporter 'nobodys'" in capsys.readouterr().err
    asked.setenv("OTEL_SDK_DISABLED", "true")
    with traced("shop", RUN_ID, RunProgress("shop", Project(tmp_path))):
        done.append(2)
    assert (done, capsys.readouterr().err) == ([1, 2], "")


def test_a_run_that_raised_is_told_with_what_it_raised(
    tmp_path: Path, collector: type[Collector]
) -> None:
    """And raises it; what another step of it had loaded is told as well."""
    progress = RunProgress("shop", Project(tmp_path))

    def run() -> None:
        with traced("shop", RUN_ID, progress):
            progress.add(RunEvent("start", 100.0, "load_shop"))
            progress.add(RunEvent("output", 101.0, "load_shop", summary="3 rows", rows=3))
            progress.add(RunEvent("success", 102.0, "load_shop"))
            raise KeyboardInterrupt("by hand")

    with pytest.raises(KeyboardInterrupt):
        run()
    spans = {span.name: span for span in collector.spans}
    assert spans["run shop"].status.message == "KeyboardInterrupt: by hand"

    def about(name: str) -> dict[str, Any]:
        found = {each.key: each.value for each in spans[name].attributes}
        return {key: value.string_value or value.int_value for key, value in found.items()}

    of_run = {"dataflow.workflow": "shop", "dataflow.run_id": RUN_ID}
    assert about("run shop") == {**of_run, "dataflow.rows": 3}
    assert about("load") == {
        **of_run,
        "dataflow.step": "load",
        "dataflow.summary": "3 rows",
        "dataflow.rows": 3,
    }
