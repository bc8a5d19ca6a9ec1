"""``GET /metrics``: what Prometheus asks for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from dataflow.api.problems import responses
from dataflow.service.dagster_errors import DagsterError, DagsterUnavailableError
from dataflow.service.run_tally import BUCKETS, RunTally, WorkflowTally

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.metrics_core import Metric

    from dataflow.service.dagster_client import Dagster
    from dataflow.service.jobs import Health, Job

router = APIRouter(tags=["service"])

_UNDER_WAY = ("queued", "running", "canceling")
_ENDED = ("succeeded", "failed", "canceled")


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={
        200: {
            "content": {"text/plain": {"schema": {"type": "string"}}},
            "description": "Prometheus' text format, or OpenMetrics where it is asked for.",
        },
        **responses(401),
    },
)
def get_metrics(request: Request) -> Response:
    """Runs, rows, seconds, rejected rows and freshness of each workflow."""
    state = request.app.state
    encode, media_type = choose_encoder(request.headers.get("accept", ""))
    registry = CollectorRegistry()
    registry.register(_Metrics(state.dagster, state.tally))
    return Response(encode(registry), media_type=media_type)


class _Metrics(Collector):
    def __init__(self, dagster: Dagster, tally: RunTally) -> None:
        self._dagster = dagster
        self._tally = tally

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        health: Health | None = None
        jobs: dict[str, Job] = {}
        tallies: dict[str, WorkflowTally] | None = None
        try:
            health = self._dagster.health()
            tallies = self._tally.workflows()
            jobs = self._dagster.jobs()
        except (DagsterUnavailableError, DagsterError):
            # Said by `dataflow_up`; the server of metrics itself is well.
            pass
        is_well = health is not None and not health.faults
        yield GaugeMetricFamily(
            "dataflow_up", "Whether runs can be launched and are started.", value=float(is_well)
        )
        if tallies is not None:
            known = {**{name: WorkflowTally() for name in jobs}, **tallies}
            yield from _of_runs(known)
            yield from _of_rows(known)
            yield from _of_freshness(known)
        if jobs:
            broken = _gauge("dataflow_workflow_broken", "Whether a workflow cannot be loaded.")
            for name, job in jobs.items():
                broken.add_metric([name], float(bool(job.broken)))
            yield broken


def _gauge(name: str, help_text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help_text, labels=["workflow", *labels])


def _of_runs(known: dict[str, WorkflowTally]) -> Iterable[Metric]:
    ended = CounterMetricFamily(
        "dataflow_runs", "Runs that have ended, by how.", labels=["workflow", "status"]
    )
    now = _gauge("dataflow_runs_in_progress", "Runs that wait or are executed.", "status")
    seconds = HistogramMetricFamily(
        "dataflow_run_duration_seconds", "How long runs took.", labels=["workflow"]
    )
    for name, tally in known.items():
        for status in _ENDED:
            ended.add_metric([name, status], tally.ended.get(status, 0))
        for status in _UNDER_WAY:
            now.add_metric([name, status], tally.under_way.get(status, 0))
        buckets = [(str(b), float(n)) for b, n in zip(BUCKETS, tally.buckets, strict=True)]
        seconds.add_metric([name], [*buckets, ("+Inf", float(tally.executed))], tally.seconds)
    yield from (ended, now, seconds)


def _of_rows(known: dict[str, WorkflowTally]) -> Iterable[Metric]:
    rows = CounterMetricFamily(
        "dataflow_rows_loaded", "Rows that good runs have loaded.", labels=["workflow"]
    )
    rejected = CounterMetricFamily(
        "dataflow_rows_rejected", "Rows that contracts have put aside.", labels=["workflow"]
    )
    for name, tally in known.items():
        rows.add_metric([name], tally.rows)
        rejected.add_metric([name], tally.rejected_rows)
    yield from (rows, rejected)


def _of_freshness(known: dict[str, WorkflowTally]) -> Iterable[Metric]:
    at = _gauge("dataflow_last_success_timestamp_seconds", "When the last good run ended.")
    age = _gauge("dataflow_freshness_seconds", "Seconds since the last good run ended.")
    last = _gauge("dataflow_last_run_succeeded", "Whether the last run was a good one.")
    took = _gauge("dataflow_last_run_duration_seconds", "How long the last run took.")
    for name, tally in known.items():
        if tally.last_success is not None:
            at.add_metric([name], tally.last_success.timestamp())
            age.add_metric([name], max(0.0, time.time() - tally.last_success.timestamp()))
        if tally.last is not None:
            last.add_metric([name], float(tally.last.success))
            took.add_metric([name], tally.last.seconds or 0.0)
    yield from (at, age, last, took)
