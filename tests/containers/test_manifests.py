"""The images as `dataflow deploy kubernetes` has them run: not root, writing to volumes only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.conftest import Dataflow
from tests.containers.composed import Composed
from tests.service_fixtures import until

pytestmark = pytest.mark.slow

ENVIRONMENT = """
[tool.dataflow.environments.prod]
history = "postgresql://dataflow@db.example.org/dataflow"
state_store = "s3://shop/state"
publish_target = "s3://shop/site"
warehouse = {type = "ducklake"}
kubernetes = {image = "registry.example.org/shop", host = "shop.example.org"}
"""


@pytest.fixture(scope="module")
def rendered(built: Composed, dataflow: Dataflow, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The manifests, rendered for an environment that only this folder has."""
    settings = built.root / "pyproject.toml"
    before = settings.read_text()
    folder = tmp_path_factory.mktemp("rendered")
    try:
        settings.write_text(before + ENVIRONMENT)
        command = ("deploy", "kubernetes", "--env", "prod", "--output", folder)
        made = dataflow(*command, cwd=built.root)
    finally:
        settings.write_text(before)
    assert made.returncode == 0, made.stderr
    return folder


def _deployment(path: Path) -> dict[str, Any]:
    found = [d for d in yaml.safe_load_all(path.read_text()) if d["kind"] == "Deployment"]
    return dict(found[0])


@pytest.mark.parametrize("name", ["api", "dashboards"])
def test_services_start_with_a_root_that_is_read_only(
    built: Composed, rendered: Path, name: str
) -> None:
    """With the command, the folders, the user and the memory of their Deployment."""
    manifest = _deployment(rendered / f"{name}.yaml")
    (container,) = manifest["spec"]["template"]["spec"]["containers"]
    image = {"api": "shop_api", "dashboards": "shop_evidence"}[name]
    probe = container["readinessProbe"]["httpGet"]
    port = container["ports"][0]["containerPort"]
    started = built.engine.docker(
        *("run", "--detach", "--network", "none", *built.read_only(manifest)),
        *("--env", "DATAFLOW_API_TOKEN=of-the-test", image, *container["args"]),
    )
    ask = f"import urllib.request as r; r.urlopen('http://127.0.0.1:{port}{probe['path']}')"

    def answers() -> bool:
        return built.engine.docker(
            "exec", started, "sh", "-c", f'python -c "{ask}" && echo good', check=False
        ).endswith("good")

    try:
        until(answers, f"an answer of {name}", 90)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{built.engine.docker('logs', started)}") from None
    finally:
        built.engine.docker("rm", "--force", started)


def test_a_code_location_loads_with_a_root_that_is_read_only(
    built: Composed, rendered: Path
) -> None:
    """Dagster's server of the chart, with our module, answers its own health check."""
    values = yaml.safe_load((rendered / "values.yaml").read_text())
    (part,) = values["dagster-user-deployments"]["deployments"]
    container = {k: part[k] for k in ("securityContext", "resources", "volumeMounts")}
    pod = {"securityContext": part["podSecurityContext"], "containers": [container]}
    options = built.read_only({"spec": {"template": {"spec": pod}}})
    port = str(part["port"])
    started = built.engine.docker(
        *("run", "--detach", "--network", "none", *options),
        *("--env", "DAGSTER_HOME=/opt/dagster/dagster_home", "shop_dagster"),
        *("dagster", "api", "grpc", "-h", "127.0.0.1", "-p", port, *part["dagsterApiGrpcArgs"]),
    )
    check = ("exec", started, "sh", "-c", f"dagster api grpc-health-check -p {port} && echo good")

    def answers() -> bool:
        return built.engine.docker(*check, check=False).endswith("good")

    try:
        until(answers, "an answer of the code location", 90)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{built.engine.docker('logs', started)}") from None
    finally:
        built.engine.docker("rm", "--force", started)
