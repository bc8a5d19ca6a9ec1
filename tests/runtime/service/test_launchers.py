"""What starts the runs of a service: the setting `launcher`, and what Dagster is told of it."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster._config import process_config
from dagster._config.field_utils import convert_potential_field
from dagster_k8s import K8sRunLauncher
from tests.conftest import BIN
from tests.service_fixtures import write_project

from dataflow.runs.instance import prepare_dagster_home
from dataflow.runs.launcher_kind import chosen_launcher
from dataflow.shared.errors import BadInputError
from dataflow.shared.project import Project

KUBERNETES = """
[tool.dataflow.environments.prod]
variables = {TAG = "1.4"}
[tool.dataflow.environments.prod.launcher]
type = "kubernetes"
image = "registry.test/shop:${TAG}"
namespace = "data"
service_account = "runs"
kubeconfig = "/etc/kube/config"
env_secrets = ["shop"]
env_config_maps = ["shop-settings"]
env_vars = ["REGION=emea"]
image_pull_secrets = ["registry"]
labels = {team = "data"}
limits = {memory = "4Gi"}
requests = {cpu = "500m"}
"""


def launcher_of(project: Project) -> dict[str, Any]:
    """`run_launcher` as Dagster reads it."""
    text = (prepare_dagster_home(project) / "dagster.yaml").read_text()
    found: dict[str, Any] = yaml.safe_load(text)["run_launcher"]
    return found


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_project(tmp_path / "shop")


def test_kubernetes_is_told_in_dagsters_own_words(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All keys; the pods run in the environment of their service."""
    with (root / "pyproject.toml").open("a") as file:
        file.write(KUBERNETES)
    monkeypatch.setenv("DATAFLOW_ENV", "prod")
    told = launcher_of(Project(root))
    assert (told["module"], told["class"]) == ("dagster_k8s", "K8sRunLauncher")
    launcher: Any = K8sRunLauncher
    schema: Any = convert_potential_field(launcher.config_type()).config_type
    judged = process_config(schema, told["config"])
    assert judged.success, judged.errors
    assert told["config"]["job_image"] == "registry.test/shop:1.4"
    assert told["config"]["env_vars"] == ["DATAFLOW_ENV=prod", "REGION=emea"]
    assert told["config"]["load_incluster_config"] is False


def test_a_launcher_of_dagster_yaml_wins(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a team has written there stays in force."""
    with (root / "pyproject.toml").open("a") as file:
        file.write(KUBERNETES)
    with (root / "dagster.yaml").open("a") as file:
        file.write("\nrun_launcher: {module: dagster, class: DefaultRunLauncher}\n")
    monkeypatch.setenv("DATAFLOW_ENV", "prod")
    assert launcher_of(Project(root)) == {"module": "dagster", "class": "DefaultRunLauncher"}


def test_celerys_addresses_stay_out_of_the_file(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may have a password."""
    monkeypatch.setenv("QUEUE_PASSWORD", "hidden-word-of-redis")
    with (root / "pyproject.toml").open("a") as file:
        file.write('launcher = {type = "celery", broker = "redis://:${QUEUE_PASSWORD}@queue/0"}\n')
    told = launcher_of(Project(root))
    assert told == {"module": "dataflow.service.celery_runs", "class": "CeleryLauncher"}
    chosen = chosen_launcher(Project(root))
    assert chosen is not None
    assert chosen[1].model_dump()["broker"] == "redis://:hidden-word-of-redis@queue/0"


@pytest.mark.parametrize(
    ("keys", "is_refused"),
    [
        ('broker = "amqp://guest:hidden@queue//"', True),
        ('broker = "redis://queue/0", backend = "pyamqp://guest:hidden@queue//"', True),
        ('broker = "amqp://queue//", backend = "rpc://"', True),
        ('broker = "amqps://queue", backend = "db+postgresql+psycopg2://me@host/db"', False),
    ],
)
def test_rabbitmq_needs_a_place_for_results(root: Path, keys: str, is_refused: bool) -> None:
    """It cannot keep them: that is said by name before anything starts, without a password."""
    with (root / "pyproject.toml").open("a") as file:
        file.write(f'launcher = {{type = "celery", {keys}}}\n')
    if not is_refused:
        assert chosen_launcher(Project(root)) is not None
        return
    with pytest.raises(BadInputError, match=r"backend: .*RabbitMQ.*db\+postgresql") as refused:
        chosen_launcher(Project(root))
    assert "hidden" not in str(refused.value)


@pytest.mark.slow
def test_a_launcher_that_is_none_or_lacks_a_key_is_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what there is, and what it wants."""
    monkeypatch.setenv("DATAFLOW_LAUNCHER", "celary")
    with pytest.raises(BadInputError, match=r"(?s)launcher names 'celary'.*celery"):
        chosen_launcher(Project(root))
    monkeypatch.delenv("DATAFLOW_LAUNCHER")
    with (root / "pyproject.toml").open("a") as file:
        file.write('launcher = {type = "celery"}\n')
    with pytest.raises(BadInputError, match="launcher, celery: broker"):
        chosen_launcher(Project(root))
    done = subprocess.run(
        [BIN / "dataflow", "up"], cwd=root, env=dict(os.environ), capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_the_local_launcher_may_be_named(root: Path) -> None:
    """It is what there is without a setting."""
    default = launcher_of(Project(root))
    with (root / "pyproject.toml").open("a") as file:
        file.write('launcher = "local"\n')
    assert launcher_of(Project(root)) == default
