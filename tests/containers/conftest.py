"""A project in containers, built and started once for all tests of this folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.conftest import REPOSITORY, Dataflow
from tests.containers.composed import Composed
from tests.containers.engine import Engine, ensure_base, running_engine
from tests.service_fixtures import free_ports

SALES = """id,day,shop,amount
1,2026-01-01,north,10.5
2,2026-01-02,south,20.25
3,2026-01-03,north,4.25
"""
# Built by the engine where this machine's network is: it has no other.
OVERRIDE = """
services:
  dagster: {build: {network: host}}
  api: {build: {network: host}}
  evidence: {build: {network: host}}
"""


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """A Docker engine with the base image."""
    with running_engine() as engine:
        ensure_base(engine)
        yield engine


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The two distributions of the working tree, as a release would have them."""
    folder = tmp_path_factory.mktemp("wheels")
    for name in ("runtime", "tools"):
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
        subprocess.run(
            # hatchling is among the packages of the tests: nothing is fetched.
            [*command, "--no-build-isolation", "--wheel-dir", folder, REPOSITORY / name],
            check=True,
            # The same wheel each time, so that a second session finds its layers again.
            env={**os.environ, "SOURCE_DATE_EPOCH": "1767225600"},
        )
    return folder


@pytest.fixture(scope="session")
def shop(
    tmp_path_factory: pytest.TempPathFactory,
    template_repository: Path,
    dataflow: Dataflow,
    wheels: Path,
) -> Path:
    """A project with one workflow made from a file, as a user makes it, with its wheels."""
    root = tmp_path_factory.mktemp("containers") / "shop"
    made = dataflow(
        "init", "shop", "--template", template_repository, "--defaults", cwd=root.parent
    )
    assert made.returncode == 0, made.stderr
    # `data` is a volume: what an image shall bring lies elsewhere.
    (root / "in").mkdir()
    (root / "in" / "sales.csv").write_text(SALES)
    made = dataflow("workflow", "new", "sales", "--source", "in/sales.csv", "--defaults", cwd=root)
    assert made.returncode == 0, made.stderr
    shutil.copytree(wheels, root / "wheels")
    (root / "compose.override.yaml").write_text(OVERRIDE)
    return root


@contextmanager
def built_images(engine: Engine, project: Path) -> Iterator[Composed]:
    """A project's three images; what its containers have left is taken away at the end."""
    dagster, api, evidence = free_ports(3)
    ports = {
        "DATAFLOW_DAGSTER_PORT": str(dagster),
        "DATAFLOW_API_PORT": str(api),
        "DATAFLOW_EVIDENCE_PORT": str(evidence),
        "POSTGRES_PASSWORD": "of-the-test",
    }
    composed = Composed(engine, project, ports)
    composed.compose("down", "--volumes", "--remove-orphans")
    composed.compose("build", seconds=1500)
    try:
        yield composed
    finally:
        composed.compose("--profile", "postgres", "down", "--volumes", "--remove-orphans")


@pytest.fixture(scope="session")
def built(engine: Engine, shop: Path) -> Iterator[Composed]:
    """The project's images."""
    with built_images(engine, shop) as composed:
        yield composed


@pytest.fixture(scope="session")
def started(built: Composed) -> Composed:
    """All three services, healthy, started in the order of the guide."""
    built.compose("up", "-d", "dagster")
    built.compose("up", "-d", "api", "evidence")
    for name in ("dagster", "api", "evidence"):
        built.until_healthy(name)
    return built
