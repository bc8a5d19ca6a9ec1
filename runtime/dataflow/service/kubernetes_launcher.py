"""The launcher ``kubernetes``: each run is a job of Kubernetes, in a pod of its own."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Any, Literal

from pydantic import Field

from dataflow.runs.launcher_kind import LauncherKind
from dataflow.shared.config_types import Section, Text
from dataflow.shared.environments import ENVIRONMENT_VARIABLE, chosen_environment
from dataflow.shared.errors import DataflowError, MissingDependencyError


class ClusterError(DataflowError):
    """Kubernetes cannot be reached, or refuses."""

    http_status = 503


class KubernetesSettings(Section):
    """Each run is a job of Kubernetes."""

    type: Literal["kubernetes"] = Field(description="Each run is a job of Kubernetes.")
    image: Text | None = Field(
        default=None, description="The image with the project; that of the code location if none."
    )
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = Field(
        default="IfNotPresent", description="When the image is pulled."
    )
    namespace: Text = Field(default="default", description="Where the jobs are made.")
    service_account: Text = Field(
        default="default", description="The account that the jobs' pods have."
    )
    dagster_home: Text = Field(
        default="/opt/dagster/dagster_home", description="DAGSTER_HOME in the image."
    )
    instance_config_map: Text = Field(
        default="dagster-instance", description="The config map with dagster.yaml."
    )
    postgres_password_secret: Text | None = Field(
        default=None, description="The secret from which pods have DAGSTER_PG_PASSWORD."
    )
    env_secrets: list[Text] = Field(
        default=[], description="Secrets whose keys are variables of the pods."
    )
    env_config_maps: list[Text] = Field(
        default=[], description="Config maps whose keys are variables of the pods."
    )
    env_vars: list[Text] = Field(
        default=[], description="Variables of the pods: NAME=VALUE, or NAME for the service's own."
    )
    image_pull_secrets: list[Text] = Field(
        default=[], description="Secrets with which the image is pulled."
    )
    labels: dict[str, str] = Field(default={}, description="Labels of the jobs and their pods.")
    limits: dict[str, str] = Field(default={}, description="What a pod gets at most: cpu, memory.")
    requests: dict[str, str] = Field(default={}, description="What a pod needs: cpu, memory.")
    kubeconfig: Text | None = Field(
        default=None, description="The file by which to reach the cluster from outside of it."
    )


def _config(settings: KubernetesSettings) -> dict[str, Any]:
    _require()
    # A pod runs in the environment that its service runs in.
    environment = chosen_environment()
    own = [f"{ENVIRONMENT_VARIABLE}={environment}"] if environment else []
    config: dict[str, Any] = {
        "dagster_home": settings.dagster_home,
        "instance_config_map": settings.instance_config_map,
        "service_account_name": settings.service_account,
        "job_namespace": settings.namespace,
        "image_pull_policy": settings.image_pull_policy,
        "load_incluster_config": settings.kubeconfig is None,
        "env_vars": [*own, *settings.env_vars],
        "env_secrets": settings.env_secrets,
        "env_config_maps": settings.env_config_maps,
        "image_pull_secrets": [{"name": name} for name in settings.image_pull_secrets],
        "labels": settings.labels,
    }
    if settings.image:
        config["job_image"] = settings.image
    if settings.kubeconfig:
        config["kubeconfig_file"] = os.path.expanduser(settings.kubeconfig)  # noqa: PTH111
    if settings.postgres_password_secret:
        config["postgres_password_secret"] = settings.postgres_password_secret
    resources = {"limits": settings.limits, "requests": settings.requests}
    if any(resources.values()):
        config["resources"] = {key: value for key, value in resources.items() if value}
    return {"module": "dagster_k8s", "class": "K8sRunLauncher", "config": config}


def check_cluster(settings: KubernetesSettings) -> str:
    """Try to list the jobs of the namespace.

    Raises:
        MissingDependencyError: The extra ``k8s`` is not installed.
        ClusterError: The cluster does not answer, or refuses.
    """
    _require()
    from kubernetes import client, config

    try:
        if settings.kubeconfig:
            config.load_kube_config(os.path.expanduser(settings.kubeconfig))  # noqa: PTH111
        else:
            config.load_incluster_config()
        found = client.BatchV1Api().list_namespaced_job(
            settings.namespace, limit=1, _request_timeout=5
        )
    except Exception as error:  # those of the client, of urllib3 and of files
        said = " ".join(str(error).split())[:300]
        raise ClusterError(
            f"The jobs of the namespace {settings.namespace!r} cannot be listed: {said}.",
            "Run it in the cluster with an account that may make jobs, or set `kubeconfig` of the "
            "setting launcher.",
        ) from error
    return f"jobs can be listed in {settings.namespace!r}, {len(found.items)} seen"


def _require() -> None:
    for module in ("dagster_k8s", "kubernetes", "psycopg2"):
        if find_spec(module) is None:
            raise MissingDependencyError(
                f"launcher = 'kubernetes' needs {module}, which is not installed.",
                "Install it: pip install 'dataflow-runtime[k8s]'",
            )


KIND = LauncherKind(KubernetesSettings, _config, check_cluster)
