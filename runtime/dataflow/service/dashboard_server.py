"""Serving the built dashboards."""

from __future__ import annotations

import mimetypes
import os
import stat
from typing import TYPE_CHECKING

import anyio.to_thread
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from dataflow.publish.folders import SiteFolders, built_base_path
from dataflow.publish.manifest import read_manifest
from dataflow.service.published_data import PublishedData
from dataflow.service.web_access import WebAccess
from dataflow.service.web_server import serve
from dataflow.shared.errors import DataflowError
from dataflow.shared.file_store import StoreError
from dataflow.shared.logging import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from starlette.responses import Response
    from starlette.types import Scope

    from dataflow.shared.project import Project

log = get_logger(__name__)

# Not in every machine's list of types, or wrong there.
_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".mjs": "text/javascript",
    ".parquet": "application/vnd.apache.parquet",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
# Programs ask for these, so what is not there must not look like a page.
_NEVER_PAGES = ("_app", "api", "data")


class NotBuiltError(DataflowError):
    """There is no built site to serve."""

    exit_code = 2


class _Site(StaticFiles):
    """The files of a single-page site: an unknown path is a page that the browser draws.

    Args:
        data: What answers below ``data``, if that is not in the folder.
    """

    def __init__(self, folder: Path, data: PublishedData | None) -> None:
        super().__init__(directory=folder)
        self._data = data

    async def get_response(self, path: str, scope: Scope) -> Response:
        first = path.replace(os.sep, "/").partition("/")[0]
        try:
            response = await self._answer(path, scope)
        except HTTPException as error:
            if error.status_code != 404 or first in _NEVER_PAGES:
                raise
            response = await self._answer("index.html", scope)
        if "/immutable/" in path.replace(os.sep, "/") and first == "_app":
            response.headers["cache-control"] = "public, max-age=31536000, immutable"
        else:
            response.headers["cache-control"] = "no-cache"
        response.headers["x-content-type-options"] = "nosniff"
        return response

    async def _answer(self, path: str, scope: Scope) -> Response:
        if self._data is not None and path.replace(os.sep, "/").startswith("data/"):
            response = await self._data.answer(path.replace(os.sep, "/"), scope)
            if response.status_code in (200, 206):
                response.headers["content-type"] = _media_type(path)
            return response
        if _accepts_gzip(scope):
            packed, facts = await anyio.to_thread.run_sync(self.lookup_path, f"{path}.gz")
            if facts is not None and stat.S_ISREG(facts.st_mode):
                response = self.file_response(packed, facts, scope)
                response.headers["content-type"] = _media_type(path)
                response.headers["content-encoding"] = "gzip"
                response.headers["vary"] = "accept-encoding"
                return response
        response = await super().get_response(path, scope)
        if response.status_code in (200, 206):
            response.headers["content-type"] = _media_type(path)
        response.headers["vary"] = "accept-encoding"
        return response


def site_app(folder: Path, base_path: str = "", data: PublishedData | None = None) -> Starlette:
    """The web application that serves a built site.

    It answers range requests, sends the compressed copies that the build made, and has browsers
    ask again for everything except files whose names change with their content.

    Args:
        base_path: The path that the site was built for, such as ``/dash``. It answers without it
            as well, for a proxy that takes it away.
        data: What answers below ``/data``, if that is not in the folder.
    """
    site = _Site(folder, data)
    return Starlette(routes=[Mount(path, site) for path in dict.fromkeys((base_path, ""))])


def serve_site(
    project: Project, host: str, port: int, on_listening: Callable[[str], object] = print
) -> None:
    """Serve a project's built dashboards until interrupted.

    A later build or publish shows at once; the server need not be started again.

    Args:
        host: The address to listen on; ``127.0.0.1`` keeps the data on this machine.
        on_listening: Told the address of the first page once it answers.

    Raises:
        NotBuiltError: The site was never built.
        PortInUseError: Another program listens there, or the address is not this machine's.
        MissingDependencyError: The place of `publish_target` needs a package.
    """
    folders = SiteFolders.of(project)
    folder, base_path = folders.public, built_base_path(folders)
    if not (folder / "index.html").exists():
        raise NotBuiltError(
            "The dashboards of this project are not built yet.",
            "Build them: dataflow evidence build",
        )
    address = f"http://{host}:{port}{base_path}"
    data = None
    if folders.target is not None:
        data = PublishedData(folders, folders.target)
        try:
            read_manifest(folders)
        except StoreError as error:
            # It may come back; a package that is missing does not.
            log.warning(error.reason)
    serve(
        site_app(folder, base_path, data),
        host,
        port,
        WebAccess.to(host, project.settings),
        on_listening=lambda: on_listening(address),
    )


def _accepts_gzip(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    # A range counts bytes of the file as it is.
    return "gzip" in headers.get("accept-encoding", "") and "range" not in headers


def _media_type(path: str) -> str:
    suffix = os.path.splitext(path)[1]  # noqa: PTH122
    found = _TYPES.get(suffix) or mimetypes.guess_type(path)[0] or "application/octet-stream"
    return f"{found}; charset=utf-8" if found.startswith("text/") else found
