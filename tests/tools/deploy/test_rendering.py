"""What is rendered for a cluster is valid, has no secret, and no right that it does not need."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from tests.conftest import BIN

from dataflow.shared.project import Project
from dataflow_tools.deploy.rendering import render_files
from dataflow_tools.deploy.target import read_target
from dataflow_tools.deploy.writing import plan_files, write_files

# The oldest that is looked after, and the newest.
VERSIONS = ("1.34", "1.37")
SCHEMA = Path(__file__).parent / "fixtures" / "chart_values.schema.yaml"
LOGINS = ("basic", "https://login.example.org/oauth2")
GROUPS: tuple[dict[str, str], ...] = ({}, {"finance": "ledger", "rest": "*"})


def render(root: Path, login: str = "basic", **groups: str) -> dict[str, str]:
    return render_files(read_target(Project(root), {"login": login}, groups))


def documents(rendered: dict[str, str]) -> list[dict[str, Any]]:
    """The manifests, without the values of the chart and the kustomization."""
    return [
        document
        for name, text in rendered.items()
        if name.endswith(".yaml") and name not in ("values.yaml", "kustomization.yaml")
        for document in yaml.safe_load_all(text)
    ]


def as_deployment(name: str, part: dict[str, Any]) -> dict[str, Any]:
    """What the chart makes of the values of one of its parts."""
    labels = {"component": name}
    image = part["image"]
    container = {
        "name": "dagster",
        "image": f"{image['repository']}:{image['tag']}",
        "env": part["env"],
        "envFrom": [{"secretRef": secret} for secret in part.get("envSecrets", [])],
        "resources": part["resources"],
        "securityContext": part["securityContext"],
        "volumeMounts": part["volumeMounts"],
    }
    pod = {
        "securityContext": part["podSecurityContext"],
        "containers": [container],
        "volumes": part["volumes"],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def parts_of_chart(rendered: dict[str, str]) -> list[dict[str, Any]]:
    values = yaml.safe_load(rendered["values.yaml"])
    named = [("daemon", values["dagsterDaemon"]), ("webserver", values["dagsterWebserver"])]
    named += [(part["name"], part) for part in values["dagster-user-deployments"]["deployments"]]
    return [as_deployment(name, part) for name, part in named]


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("login", LOGINS)
def test_each_manifest_is_valid(shop: Path, version: str, login: str) -> None:
    """By Kubernetes' own schemas, in which an unknown key is a fault."""
    rendered = render(shop, login, finance="ledger", rest="*")
    found = documents(rendered) + parts_of_chart(rendered)
    assert {document["kind"] for document in found} == {
        *("Namespace", "Deployment", "Service", "Ingress"),
        *("NetworkPolicy", "PodDisruptionBudget"),
    }
    for document in found:
        kubernetes_validate.validate(document, version, strict=True)


def test_the_schemas_refuse_what_is_wrong(shop: Path) -> None:
    """A misspelt key of a manifest, and one of the chart's values, is not let through."""
    rendered = render(shop)
    (deployment,) = [
        d for d in documents({"a.yaml": rendered["api.yaml"]}) if d["kind"] == "Deployment"
    ]
    deployment["spec"]["template"]["spec"]["containers"][0]["readOnly"] = True
    with pytest.raises(kubernetes_validate.ValidationError, match="readOnly"):
        kubernetes_validate.validate(deployment, VERSIONS[-1], strict=True)
    values = yaml.safe_load(rendered["values.yaml"])
    values["dagsterWebserver"]["replicas"] = 2
    with pytest.raises(jsonschema.ValidationError, match="replicas"):
        jsonschema.validate(values, yaml.safe_load(SCHEMA.read_text()))


@pytest.mark.parametrize("login", LOGINS)
@pytest.mark.parametrize("groups", GROUPS)
def test_the_values_are_values_of_the_chart(shop: Path, login: str, groups: dict[str, str]) -> None:
    """Each key is one that Dagster's chart has, and of its type."""
    values = yaml.safe_load(render(shop, login, **groups)["values.yaml"])
    jsonschema.validate(values, yaml.safe_load(SCHEMA.read_text()))


def test_every_container_is_not_root_and_read_only(shop: Path) -> None:
    """Has no right it does not need, a bound for its memory, and writes to named volumes only."""
    rendered = render(shop)
    deployments = [d for d in documents(rendered) if d["kind"] == "Deployment"]
    for deployment in deployments + parts_of_chart(rendered):
        pod = deployment["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        (container,) = pod["containers"]
        assert container["securityContext"] == {
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"requests", "limits"} == set(container["resources"])
        assert {m["name"] for m in container["volumeMounts"]} == {v["name"] for v in pod["volumes"]}
    for deployment in deployments:
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        assert {"readinessProbe", "livenessProbe", "startupProbe"} <= set(container)


def test_no_secret_is_rendered(shop: Path) -> None:
    """The password of the history's address is in no file, nor any Secret; they are referred to."""
    rendered = render(shop)
    assert "not-for-files" not in "".join(rendered.values())
    assert "Secret" not in {document["kind"] for document in documents(rendered)}
    values = yaml.safe_load(rendered["values.yaml"])
    assert values["postgresql"]["postgresqlHost"] == "db.example.org"
    assert values["postgresql"]["service"]["port"] == 5433
    assert values["global"]["postgresqlSecretName"] == "shop-postgres"
    # Every Secret that is referred to is made by a command of the README.
    said = "".join(text for name, text in rendered.items() if name != "README.md")
    names = set(
        re.findall(r"shop-(?:postgres|api|objects|workflows|login|tls|dagster-tls)\b", said)
    )
    for name in names:
        assert re.search(rf"create secret (generic|tls) {name}\b", rendered["README.md"]), name


@pytest.mark.parametrize("login", LOGINS)
def test_people_see_dashboards_and_dagster_only_behind_the_login(shop: Path, login: str) -> None:
    """The same login is before both; the REST API, with tokens of its own, has none."""
    rendered = render(shop, login)
    ingresses = {d["metadata"]["name"]: d for d in documents(rendered) if d["kind"] == "Ingress"}
    pages = ingresses["shop-dashboards"]["metadata"]["annotations"]
    dagster = yaml.safe_load(rendered["values.yaml"])["ingress"]["annotations"]
    assert pages.items() <= dagster.items()
    assert any("auth-url" in key or "auth-secret" in key for key in pages)
    assert not any("/auth-" in key for key in ingresses["shop-api"]["metadata"]["annotations"])


def test_services_and_policies_name_pods_that_there_are(shop: Path) -> None:
    """Each selector of ours fits the pods of a Deployment of ours, on a port that it has."""
    found = documents(render(shop))
    pods = [d["spec"]["template"] for d in found if d["kind"] == "Deployment"]
    for document in found:
        if document["kind"] == "Service":
            selector = document["spec"]["selector"]
        elif document["kind"] == "PodDisruptionBudget":
            selector = document["spec"]["selector"]["matchLabels"]
        elif document["kind"] == "NetworkPolicy":
            selector = document["spec"]["podSelector"].get("matchLabels", {})
            if "component" in selector:
                continue
        else:
            continue
        fitting = [pod for pod in pods if selector.items() <= pod["metadata"]["labels"].items()]
        assert len(fitting) == (1 if selector else 2), document["metadata"]["name"]


def test_groups_become_code_locations_that_the_api_asks(shop: Path) -> None:
    """Every workflow is in one of them, and the REST API is told their names."""
    rendered = render(shop, finance="ledger", rest="*")
    values = yaml.safe_load(rendered["values.yaml"])
    locations = {
        part["name"]: {v["name"]: v["value"] for v in part["env"]}["DATAFLOW_LOCATION_WORKFLOWS"]
        for part in values["dagster-user-deployments"]["deployments"]
    }
    assert locations == {"finance": "ledger", "rest": "orders,sales"}
    assert 'DATAFLOW_LOCATIONS, value: "finance,rest"' in rendered["api.yaml"]


@pytest.mark.slow
def test_kustomize_puts_it_together(shop: Path, tmp_path: Path) -> None:
    """Kubectl builds the folder; every object is in the namespace, every image has its tag."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    folder = tmp_path / "rendered"
    write_files(folder, plan_files(folder, render(shop)))
    done = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    built = list(yaml.safe_load_all(done.stdout))
    assert {d["metadata"].get("namespace") for d in built if d["kind"] != "Namespace"} == {"shop"}
    images = set(re.findall(r"image: (\S+)", done.stdout))
    assert images == {f"registry.example.org/team/shop-{n}:1.4.0" for n in ("api", "evidence")}


@pytest.mark.slow
def test_commands_of_the_containers_have_these_options(shop: Path) -> None:
    """Those of ours, and of Dagster's server for code, to which the chart adds host and port."""
    rendered = render(shop)
    values = yaml.safe_load(rendered["values.yaml"])
    (location,) = values["dagster-user-deployments"]["deployments"]
    commands = [["dagster", "api", "grpc", *location["dagsterApiGrpcArgs"]]]
    for document in documents(rendered):
        if document["kind"] == "Deployment":
            commands.append(document["spec"]["template"]["spec"]["containers"][0]["args"])
    assert len(commands) == 3
    for command in commands:
        options = [word for word in command if word.startswith("-")]
        names = command[: command.index(options[0])]
        shown = subprocess.run(
            [BIN / names[0], *names[1:], "--help"], capture_output=True, text=True, cwd=shop
        )
        assert [option for option in options if option not in shown.stdout] == [], shown.stderr
