"""The JavaScript of the pages: locked, fetched once, checked and kept.

DuckDB-Wasm and flechette are packages of npm, named with their hashes in ``packages.json``, and
fetched by plain HTTP. Mosaic comes in the wheel ``mosaic-widget``, an extra of these tools.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
from importlib.metadata import PackageNotFoundError, distribution
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from dataflow.shared.errors import DataflowError, MissingDependencyError
from dataflow_tools.static_site.npm_registry import NpmRegistry

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataflow.publish.folders import SiteFolders

_WIDGET = "mosaic-widget"
# What the specifications and `charts.js` are written for.
_WIDGET_VERSION = "0.34.2"
_WIDGET_FILES = {"index.js": "mosaic-widget.js", "index.css": "mosaic-widget.css"}
_SECONDS = 60.0


class PackageFetchError(DataflowError):
    """A package of the pages' JavaScript could not be fetched, or is not what the lock says."""


def page_files() -> Path:
    """The folder of this library's own files of the pages."""
    return Path(str(files("dataflow_tools.static_site"))) / "page_files"


def collect_code(
    folders: SiteFolders, project_root: Path, report: Callable[[str], None]
) -> dict[str, Path]:
    """All JavaScript of other people's that the pages need; what is not there yet is fetched.

    Returns:
        The files, by the names that the pages know them by.

    Raises:
        MissingDependencyError: ``mosaic-widget`` is not installed, or nothing names a registry.
        PackageFetchError: A package cannot be fetched, or has another hash.
    """
    found = _widget_files()
    registry = NpmRegistry.of(project_root)
    with FileLock(folders.lock_file("packages")):
        for package in json.loads((page_files() / "packages.json").read_text(encoding="utf-8")):
            home = folders.base / "packages" / f"{package['name']}-{package['version']}"
            if any(not (home / name).is_file() for name in package["files"].values()):
                report(f"Fetching {package['name']} {package['version']} ...")
                _unpack(_fetch(registry, package), package, home)
            found |= {name: home / name for name in package["files"].values()}
    return found


def _widget_files() -> dict[str, Path]:
    # Not by importing it, which would import a notebook's libraries.
    try:
        wheel = distribution(_WIDGET)
    except PackageNotFoundError:
        wheel = None
    if wheel is None or wheel.version != _WIDGET_VERSION:
        has = f", not {wheel.version}" if wheel else ", which is not installed"
        raise MissingDependencyError(
            f"Dashboards without Node are drawn by {_WIDGET} {_WIDGET_VERSION}{has}.",
            "Install it: pip install 'dataflow-tools[static]'",
        )
    return {
        ours: Path(str(wheel.locate_file(f"mosaic_widget/static/{theirs}")))
        for theirs, ours in _WIDGET_FILES.items()
    }


def _fetch(registry: NpmRegistry, package: dict[str, Any]) -> bytes:
    import requests

    url = registry.tarball(package["name"], package["version"])
    proxies = {"https": registry.proxy} if registry.proxy else None
    try:
        answer = requests.get(
            url,
            headers=registry.headers(url),
            timeout=_SECONDS,
            verify=registry.certificates or True,
            proxies=proxies,
        )
        answer.raise_for_status()
        content = answer.content
    except (requests.RequestException, OSError) as error:
        raise PackageFetchError(
            f"{package['name']} {package['version']} could not be fetched: {error}",
            "Name a registry that this machine reaches, by NPM_CONFIG_REGISTRY or in .npmrc "
            "(HTTPS_PROXY behind a proxy), then build again.",
        ) from error
    digest = base64.b64encode(hashlib.sha512(content).digest()).decode()
    if f"sha512-{digest}" != package["integrity"]:
        raise PackageFetchError(
            f"What {url} answered with is not {package['name']} {package['version']}: it has "
            "another hash than the lock file.",
            "Have the registry, or a proxy before it, serve the package as it was published.",
        )
    return content


def _unpack(content: bytes, package: dict[str, Any], home: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        for theirs, ours in package["files"].items():
            member = archive.extractfile(f"package/{theirs}")
            if member is None:
                raise PackageFetchError(
                    f"{package['name']} {package['version']} has no file {theirs}.",
                    "Report it: the lock file and the package do not fit each other.",
                )
            aside = home / f".{ours}"
            aside.write_bytes(member.read())
            aside.replace(home / ours)
