"""The containers and CI of a rendered project, as far as they can be tried without an engine."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from tests.conftest import BIN
from tests.service_fixtures import free_ports, until

WORKFLOWS = ("ci.yml", "template.yml")


@pytest.fixture
def commands(project_folder: Path) -> dict[str, list[str]]:
    """What the image of each target runs."""
    found: dict[str, list[str]] = {}
    target = ""
    for line in (project_folder / "Dockerfile").read_text().splitlines():
        if match := re.fullmatch(r"FROM \S+ AS (\w+)", line):
            target = match[1]
        if line.startswith("CMD "):
            found[target] = json.loads(line.removeprefix("CMD "))
    return found


def compose(project_folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((project_folder / "compose.yaml").read_text())
    return document


def test_the_dockerfile_is_clean(project_folder: Path) -> None:
    """Hadolint has nothing to say; the images run as a user who is not root."""
    checked = subprocess.run(
        [BIN / "hadolint", "Dockerfile"], cwd=project_folder, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout
    assert "USER 10001:10001" in (project_folder / "Dockerfile").read_text()


def test_only_a_build_stage_has_the_tools(project_folder: Path) -> None:
    """Images carry the runtime alone; the pages are built where no image starts from."""
    text = (project_folder / "Dockerfile").read_text()
    stages = {part.split()[2]: part for part in re.split(r"^FROM ", text, flags=re.MULTILINE)[1:]}
    with_tools = {name for name, part in stages.items() if "group dev" in part}
    assert with_tools == {"site"}
    images = {name: part.split()[0] for name, part in stages.items() if "\nCMD " in part}
    assert images == {"dagster": "base", "api": "base", "evidence": "base"}
    installed = [line for line in stages["build"].splitlines() if "uv sync" in line]
    assert ["--no-dev" in line for line in installed] == [True]


@pytest.mark.slow
def test_compose_accepts_the_file(project_folder: Path) -> None:
    """docker-compose reads it, with and without the profile of Postgres."""
    if shutil.which("docker-compose") is None:
        pytest.skip("docker-compose is not installed")
    for profile in ([], ["--profile", "postgres"]):
        checked = subprocess.run(
            ["docker-compose", *profile, "config"],
            cwd=project_folder,
            capture_output=True,
            text=True,
        )
        assert checked.returncode == 0, checked.stderr
        services = yaml.safe_load(checked.stdout)["services"]
        assert {"dagster", "api", "evidence"} <= set(services)


def test_ports_are_those_of_the_guide_and_open_to_this_machine_only(project_folder: Path) -> None:
    """3000, 8000 and 9000, each bound to loopback on the host."""
    services = compose(project_folder)["services"]
    for name, port in (("dagster", 3000), ("api", 8000), ("evidence", 9000)):
        (published,) = services[name]["ports"]
        assert re.fullmatch(rf"127\.0\.0\.1:\$\{{\w+:-{port}\}}:{port}", published)


def test_each_service_of_compose_is_a_target_of_the_dockerfile(
    project_folder: Path, commands: dict[str, list[str]]
) -> None:
    """And the extras that it is built with are extras of the runtime."""
    pyproject = (Path(__file__).parents[2] / "runtime" / "pyproject.toml").read_text()
    for name, service in compose(project_folder)["services"].items():
        if "build" not in service:
            continue
        assert service["build"]["target"] in commands, name
        for extra in service["build"]["args"]["EXTRAS"].split(","):
            assert re.search(rf"^{extra} = \[", pyproject, re.MULTILINE), extra


def test_no_secret_or_state_gets_into_an_image(project_folder: Path) -> None:
    """The build context leaves out what .gitignore does, and git itself."""
    ignored = (project_folder / ".dockerignore").read_text().split()
    assert {".env*", ".git", ".dagster", ".dataflow", "data"} <= set(ignored)


@pytest.mark.slow
def test_the_commands_of_the_images_are_commands_of_ours(
    project_folder: Path, commands: dict[str, list[str]]
) -> None:
    """Each is understood, with its options, by the command line."""
    assert set(commands) == {"dagster", "api", "evidence"}
    text = "; ".join(word for words in commands.values() for word in [" ".join(words)])
    for command in re.findall(r"dataflow ([a-z ]+[a-z])((?: --[a-z-]+(?: [\d.]+)?)*)", text):
        names = command[0].split()
        options = re.findall(r"--[a-z-]+", command[1])
        shown = subprocess.run(
            [BIN / "dataflow", *names, "--help"], capture_output=True, text=True, cwd=project_folder
        )
        assert shown.returncode == 0, names
        assert all(option in shown.stdout for option in options), (names, options)


@pytest.mark.slow
def test_the_api_of_the_image_starts_and_makes_its_token(
    project_folder: Path, commands: dict[str, list[str]]
) -> None:
    """The very command: without a token in the environment it makes one, and asks for it."""
    port = free_ports(1)[0]
    env = {**os.environ, "DATAFLOW_API_PORT": str(port), "DATAFLOW_API_TOKEN": ""}
    env["PATH"] = f"{BIN}:{env['PATH']}"
    server = subprocess.Popen(
        commands["api"], cwd=project_folder, env=env, stdout=subprocess.PIPE, text=True
    )
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            return httpx.get(f"{url}/livez", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    try:
        until(answers, "an answer", 30)
        kept = project_folder / ".dataflow" / "api_token"
        assert kept.stat().st_mode & 0o777 == 0o600
        path = f"{url}/api/v1/workflows"
        assert httpx.get(path, trust_env=False).status_code == 401
        header = {"Authorization": f"Bearer {kept.read_text()}"}
        assert httpx.get(path, headers=header, trust_env=False).status_code == 503
    finally:
        server.terminate()
        output = server.communicate(timeout=20)[0]
    assert ".dataflow/api_token" in output
    assert kept.read_text() not in output


@pytest.mark.parametrize("name", WORKFLOWS)
def test_the_workflows_of_ci_are_clean(project_folder: Path, name: str) -> None:
    """actionlint, and through it shellcheck, has nothing to say; rights are named one by one."""
    path = project_folder / ".github" / "workflows" / name
    assert "permissions" in yaml.safe_load(path.read_text())
    checked = subprocess.run(
        [BIN / "actionlint", "-shellcheck", BIN / "shellcheck", path],
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.slow
def test_what_ci_runs_of_ours_exists(project_folder: Path) -> None:
    """Each `uv run dataflow ...` is a command with those options."""
    folder = project_folder / ".github" / "workflows"
    text = "".join((folder / name).read_text() for name in WORKFLOWS)
    found = re.findall(r"uv run (?:--no-sync )?dataflow ([a-z ]+[a-z])((?: --[a-z-]+)*)", text)
    assert [names for names, _ in found] == ["workflow check", "workflow check", "workflow propose"]
    for names, options in found:
        shown = subprocess.run(
            [sys.executable, "-m", "dataflow.cli", *names.split(), "--help"],
            capture_output=True,
            text=True,
        )
        assert all(option in shown.stdout for option in options.split()), (names, shown.stderr)
