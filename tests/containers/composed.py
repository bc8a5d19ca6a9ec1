"""One project's services under ``docker-compose``."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from tests.containers.engine import Engine, inspected
from tests.service_fixtures import until


@dataclass(frozen=True)
class Composed:
    """The services of a project's compose.yaml, with the ports that were chosen for them."""

    engine: Engine
    root: Path
    variables: dict[str, str]

    def compose(self, *arguments: str, seconds: float = 300) -> str:
        """What a ``docker-compose`` command prints."""
        done = subprocess.run(
            ["docker-compose", *arguments],
            cwd=self.root,
            env={**self.engine.env, **self.variables},
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
        return done.stdout

    def url(self, name: str) -> str:
        """Where a service is reached from this machine."""
        return f"http://127.0.0.1:{self.variables[f'DATAFLOW_{name.upper()}_PORT']}"

    def container(self, name: str) -> dict[str, Any]:
        """What the engine knows of a service's container."""
        found = self.compose("ps", "--quiet", name).split()
        assert len(found) == 1, f"{name}: {found}"
        return inspected(self.engine, found[0])

    def until_healthy(self, name: str, seconds: float = 120) -> None:
        """Wait until a service's own health check says so."""

        def healthy() -> bool:
            state = self.container(name)["State"]
            return bool(state["Running"] and state["Health"]["Status"] == "healthy")

        try:
            until(healthy, f"health of {name}", seconds)
        except AssertionError as error:
            logs = self.compose("logs", "--no-color", "--tail", "80", name)
            raise AssertionError(f"{error}\n{logs}") from None

    def api(self) -> httpx.Client:
        """A client of the REST API with the token that it has made."""
        token = self.compose("exec", "-T", "api", "cat", ".dataflow/api_token").strip()
        header = {"Authorization": f"Bearer {token}"}
        return httpx.Client(base_url=self.url("api"), headers=header, timeout=180, trust_env=False)

    def run(self, workflow_id: str) -> dict[str, Any]:
        """Run a workflow over REST, and return the run when it has ended."""
        with self.api() as api:
            answer = api.post(f"/api/v1/workflows/{workflow_id}/run", params={"wait": 120})
            assert answer.status_code in (200, 202), answer.text
            found: dict[str, Any] = answer.json()
        return found

    def read_only(self, manifest: dict[str, Any]) -> list[str]:
        """The options of ``docker run`` that a container of a rendered Deployment stands for.

        Its root is read-only; each empty folder that it mounts is one in memory.
        """
        pod = manifest["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        own = container["securityContext"]
        assert own["readOnlyRootFilesystem"]
        assert own["capabilities"] == {"drop": ["ALL"]}
        user = pod["securityContext"]["runAsUser"]
        options = ["--read-only", "--cap-drop", "ALL", "--user", f"{user}:{user}"]
        options += ["--security-opt", "no-new-privileges"]
        for mount in container["volumeMounts"]:
            options += ["--tmpfs", f"{mount['mountPath']}:uid={user},gid={user},mode=0770"]
        limits = container["resources"]["limits"]
        return [*options, "--memory", limits["memory"].replace("Mi", "m").replace("Gi", "g")]
