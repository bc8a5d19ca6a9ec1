"""Runs as OpenTelemetry traces, and what they log, where the environment asks for it.

``OTEL_EXPORTER_OTLP_ENDPOINT``, ``OTEL_TRACES_EXPORTER`` and their kin say where to; without them
nothing of OpenTelemetry is imported. A run is a trace, whose id is the run's; a step is a span.
"""

from __future__ import annotations

import logging
import os
import time
import warnings
from contextlib import contextmanager
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from dataflow.shared.logging import get_logger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataflow.runs.run_progress import RunProgress

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_{}_ENDPOINT")
# A collector that does not answer holds up no run for longer.
_SECONDS_TO_SEND = 3

log = get_logger(__name__)


@contextmanager
def traced(workflow_id: str, run_id: str, progress: RunProgress) -> Iterator[None]:
    """Report what happens in the block as a run's trace, with the steps that ``progress`` has.

    Whatever goes wrong with that goes into the log, and changes nothing of the run.
    """
    kinds = {kind: _exporter_name(kind) for kind in ("TRACES", "LOGS")}
    telemetry = None
    if any(kinds.values()) and os.environ.get("OTEL_SDK_DISABLED", "").lower() != "true":
        try:
            telemetry = _Telemetry(workflow_id, run_id, kinds)
        except Exception as error:  # whatever a library of that many settings raises
            log.warning(
                f"OpenTelemetry is not told of this run: {error}. Install what it needs: "
                "pip install 'dataflow-runtime[otel]'"
            )
    if telemetry is None:
        yield
        return
    try:
        yield
    except BaseException as error:
        telemetry.end(progress, f"{type(error).__name__}: {error}")
        raise
    else:
        telemetry.end(progress)


def _exporter_name(kind: str) -> str:
    """The entry point of the exporter that the environment asks for; empty if it asks for none."""
    has_endpoint = any(os.environ.get(name.format(kind)) for name in _ENDPOINTS)
    name = os.environ.get(f"OTEL_{kind}_EXPORTER") or ("otlp" if has_endpoint else "none")
    if name != "otlp":
        return "" if name == "none" else name
    protocol = os.environ.get(f"OTEL_EXPORTER_OTLP_{kind}_PROTOCOL")
    protocol = protocol or os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    return "otlp_proto_grpc" if protocol == "grpc" else "otlp_proto_http"


def _exporter(kind: str, name: str) -> Any:
    group = f"opentelemetry_{kind.lower()}_exporter"
    found = list(entry_points(group=group, name=name))
    if not found:
        raise LookupError(f"there is no exporter {name!r}")
    # By itself it tries for ten seconds and more.
    is_bounded = name.startswith("otlp") and "OTEL_EXPORTER_OTLP_TIMEOUT" not in os.environ
    return found[0].load()(**({"timeout": _SECONDS_TO_SEND} if is_bounded else {}))


class _Telemetry:
    """What one run tells; made only where somebody listens."""

    def __init__(self, workflow_id: str, run_id: str, kinds: dict[str, str]) -> None:
        from opentelemetry import context, trace
        from opentelemetry.sdk._logs import LoggerProvider
        from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

        class OfRun(RandomIdGenerator):
            def generate_trace_id(self) -> int:
                return int(run_id.replace("-", ""), 16)

        # The variables OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come before.
        name = os.environ.get("OTEL_SERVICE_NAME", "dataflow")
        resource = Resource.create({"service.name": name})
        self._spans = TracerProvider(resource=resource, id_generator=OfRun())
        if kinds["TRACES"]:
            exporter = _exporter("TRACES", kinds["TRACES"])
            self._spans.add_span_processor(BatchSpanProcessor(exporter))
        self._logs = LoggerProvider(resource=resource)
        self._handler: logging.Handler | None = None
        if kinds["LOGS"]:
            exporter = _exporter("LOGS", kinds["LOGS"])
            self._logs.add_log_record_processor(BatchLogRecordProcessor(exporter))
            self._handler = _log_handler(self._logs)
            logging.getLogger("dataflow").addHandler(self._handler)
        self._tracer = self._spans.get_tracer("dataflow")
        self._about = {"dataflow.workflow": workflow_id, "dataflow.run_id": run_id}
        self._run = self._tracer.start_span(f"run {workflow_id}", attributes=self._about)
        self._context = trace.set_span_in_context(self._run)
        self._token = context.attach(self._context)

    def end(self, progress: RunProgress, error: str = "") -> None:
        from opentelemetry import context

        try:
            context.detach(self._token)
            self._tell_steps(progress)
            failed = [step.name for step in progress.steps if step.status == "failed"]
            if error or failed:
                self._fail(self._run, error or f"Steps failed: {', '.join(failed)}")
            loaded = [step.rows for step in progress.steps if step.name == "load" and step.rows]
            self._run.set_attribute("dataflow.rows", sum(loaded))
            self._run.end()
            if self._handler is not None:
                logging.getLogger("dataflow").removeHandler(self._handler)
            for provider in (self._spans, self._logs):
                provider.force_flush(_SECONDS_TO_SEND * 1000)
                provider.shutdown()
        except Exception as fault:  # as above
            log.warning(f"OpenTelemetry was not told how this run ended: {fault}")

    def _tell_steps(self, progress: RunProgress) -> None:
        for step in progress.steps:
            began = progress.started.get(step.name)
            if began is None:
                continue
            of_step: dict[str, Any] = {
                **self._about,
                "dataflow.step": step.name,
                "dataflow.summary": step.summary,
            }
            if step.rows is not None:
                of_step["dataflow.rows"] = step.rows
            span = self._tracer.start_span(
                step.name, self._context, attributes=of_step, start_time=int(began * 1e9)
            )
            if step.status == "failed":
                self._fail(span, step.error)
            ended = time.time() if step.status == "running" else began + step.seconds
            span.end(int(ended * 1e9))

    @staticmethod
    def _fail(span: Any, error: str) -> None:
        from opentelemetry.trace import Status, StatusCode

        span.set_status(Status(StatusCode.ERROR, error))


def _log_handler(provider: Any) -> logging.Handler:
    with warnings.catch_warnings():
        # It is to move to another distribution some day.
        warnings.simplefilter("ignore")
        from opentelemetry.sdk._logs import LoggingHandler

        handler: logging.Handler = LoggingHandler(logging.INFO, provider)
    return handler
