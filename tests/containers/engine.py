"""A Docker engine of the tests' own, and a base image made from Debian's packages.

No registry is asked for images: ``python:3.11-slim`` is imported from a folder that ``debootstrap``
makes. The engine's folder is kept between sessions, in ``DATAFLOW_CONTAINERS``, so that a second
session builds only what has changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from filelock import FileLock

if TYPE_CHECKING:
    from collections.abc import Iterator

BASE = "python:3.11-slim"
POSTGRES = "postgres:17-alpine"
_PACKAGES = "python3,python3-pip,python3-venv,ca-certificates,git"
_NEEDED = ("dockerd", "docker", "docker-compose", "debootstrap")
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
# What tells pip, uv and npm of this machine where packages are, if anything does.
_OF_THE_MACHINE = (
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
    *("PIP_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "NPM_CONFIG_REGISTRY"),
)
_READ_CERTIFICATES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
# Debian's server as a stand-in for the image of compose.yaml: the same variables, port and folder.
_POSTGRES_DOCKERFILE = """
FROM python:3.11-slim
RUN apt-get update && apt-get install --yes --no-install-recommends postgresql \\
    && ln -s /usr/lib/postgresql/*/bin/* /usr/local/bin/ \\
    && mkdir --parents /var/lib/postgresql/data && chown postgres: /var/lib/postgresql/data
COPY start /usr/local/bin/start
USER postgres
CMD ["sh", "/usr/local/bin/start"]
"""
_POSTGRES_START = """
set -eu
data=/var/lib/postgresql/data/of-the-test
if ! [ -s "$data/PG_VERSION" ]; then
    printf '%s' "$POSTGRES_PASSWORD" > /tmp/password
    initdb -D "$data" -U "$POSTGRES_USER" --pwfile /tmp/password -E UTF8 \\
        --auth-local trust --auth-host scram-sha-256
    echo 'host all all all scram-sha-256' >> "$data/pg_hba.conf"
    pg_ctl -w -D "$data" -o '-c listen_addresses= -k /tmp' start
    PGPASSWORD="$POSTGRES_PASSWORD" createdb -h /tmp -U "$POSTGRES_USER" "$POSTGRES_DB"
    pg_ctl -w -D "$data" stop
fi
exec postgres -D "$data" -c 'listen_addresses=*' -k /var/run/postgresql
"""


@dataclass(frozen=True)
class Engine:
    """A running engine; every command goes to its own socket."""

    folder: Path

    @property
    def env(self) -> dict[str, str]:
        """The variables by which Docker's programs find this engine, and build as it can."""
        own = {"DOCKER_HOST": f"unix://{self.folder}/socket", "DOCKER_BUILDKIT": "0"}
        return {**os.environ, **own, "COMPOSE_DOCKER_CLI_BUILD": "0"}

    def docker(self, *arguments: str, check: bool = True) -> str:
        """What a ``docker`` command prints."""
        done = subprocess.run(
            ["docker", *arguments], env=self.env, capture_output=True, text=True, check=False
        )
        assert not check or done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout.strip()

    def has(self, image: str) -> bool:
        """Whether it has an image of that name."""
        return bool(self.docker("images", "--quiet", image))


@contextmanager
def running_engine() -> Iterator[Engine]:
    """Start an engine; skips the tests where that is not possible."""
    missing = [name for name in _NEEDED if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        pytest.skip(f"needs root and {', '.join(_NEEDED)}; `make test` installs them as root")
    default = Path.home() / ".cache" / "dataflow-containers"
    folder = Path(os.environ.get("DATAFLOW_CONTAINERS", default)).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    engine = Engine(folder)
    # Another process of the same session may have tests of containers, too.
    with FileLock(folder / "lock"), _daemon(engine):
        yield engine


@contextmanager
def _daemon(engine: Engine) -> Iterator[None]:
    folder = engine.folder
    with (folder / "dockerd.log").open("w") as log:
        daemon = subprocess.Popen(
            [
                "dockerd",
                *("--data-root", str(folder / "data"), "--exec-root", str(folder / "exec")),
                *("--pidfile", str(folder / "pid"), "--host", f"unix://{folder}/socket"),
                # Containers have the networks of compose.yaml; builds have this machine's.
                *("--bridge", "none"),
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + 60
        while not engine.docker("info", "--format", "{{.ServerVersion}}", check=False):
            said = (folder / "dockerd.log").read_text()[-2000:]
            if daemon.poll() is not None or time.monotonic() > deadline:
                pytest.skip(f"dockerd does not start on this machine:\n{said}")
            time.sleep(0.2)
        if engine.docker("info", "--format", "{{.Driver}}") == "vfs":
            pytest.skip("this machine's file system lets the engine share no layers of images")
        yield
    finally:
        daemon.terminate()
        daemon.wait(60)
        # Else nobody can remove the folder before the machine starts anew.
        left = ["umount", str(folder / "exec" / "netns" / "default")]
        subprocess.run(left, capture_output=True, check=False)


def ensure_base(engine: Engine) -> None:
    """Import the base image, unless it is there with this machine's settings."""
    found = {name: os.environ[name] for name in _OF_THE_MACHINE if os.environ.get(name)}
    if _CERTIFICATES.is_file():
        found |= dict.fromkeys(_READ_CERTIFICATES, str(_CERTIFICATES))
    settings = hashlib.sha256(repr(sorted(found.items())).encode()).hexdigest()[:12]
    label = '{{index .Config.Labels "settings"}}'
    if engine.has(BASE) and engine.docker("inspect", "--format", label, BASE) == settings:
        return
    archive = engine.folder / "base.tar"
    if not archive.is_file():
        _make_archive(engine.folder / "root", archive)
    changes = [f'ENV {name}="{value}"' for name, value in found.items()]
    changes += [
        "ENV PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        f"LABEL settings={settings}",
    ]
    options = [word for change in changes for word in ("--change", change)]
    engine.docker("import", *options, str(archive), BASE)


def ensure_postgres(engine: Engine) -> None:
    """Build a stand-in for the image of the profile ``postgres``, if there is none."""
    if engine.has(POSTGRES):
        return
    folder = engine.folder / "postgres"
    folder.mkdir(exist_ok=True)
    (folder / "Dockerfile").write_text(_POSTGRES_DOCKERFILE)
    (folder / "start").write_text(_POSTGRES_START)
    engine.docker("build", "--network", "host", "--tag", POSTGRES, str(folder))


def _make_archive(root: Path, archive: Path) -> None:
    shutil.rmtree(root, ignore_errors=True)
    command = ["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", "bookworm", str(root)]
    made = subprocess.run([*command, _mirror()], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout[-2000:] + made.stderr[-2000:]
    (root / "usr" / "bin" / "python").symlink_to("python3")
    # Debian's pip installs nothing beside Debian's packages; the image of that name does.
    for marker in (root / "usr" / "lib").glob("python3*/EXTERNALLY-MANAGED"):
        marker.unlink()
    for package in (root / "var/cache/apt/archives").glob("*.deb"):
        package.unlink()
    if _CERTIFICATES.is_file():
        shutil.copyfile(_CERTIFICATES, root / _CERTIFICATES.relative_to("/"))
    draft = archive.with_suffix(".draft")
    subprocess.run(["tar", "--directory", root, "--create", "--file", draft, "."], check=True)
    draft.replace(archive)
    shutil.rmtree(root)


def _mirror() -> str:
    """Where this machine has Debian's packages from."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Label: Debian"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = done.stdout.split()
    assert found, "apt knows no mirror of Debian's."
    return found[0].rstrip("/")


def inspected(engine: Engine, container: str) -> dict[str, Any]:
    """What the engine knows of a container."""
    (found,) = json.loads(engine.docker("inspect", container))
    known: dict[str, Any] = found
    return known
