"""Answering browsers with published data that lies in a shared place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio.to_thread
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, PlainTextResponse, Response

from dataflow.publish.publish_target import MANIFEST
from dataflow.publish.published_files import TABLE_FILE, published_file
from dataflow.shared.file_store import NotStoredError, StoreError
from dataflow.shared.logging import get_logger

if TYPE_CHECKING:
    from starlette.types import Scope

    from dataflow.publish.folders import SiteFolders
    from dataflow.shared.file_store import Content, FileStore

log = get_logger(__name__)


class PublishedData:
    """What lies below ``/data`` of a site whose data is in a shared place.

    The manifest is asked for each time, so that a page that is loaded again shows what any machine
    has published. While the place cannot be reached, it is the last one known.

    Args:
        folders: Those of a project with a ``target``.
        target: The shared place.
    """

    def __init__(self, folders: SiteFolders, target: FileStore) -> None:
        self._folders = folders
        self._target = target
        self._last: Content | None = None

    async def answer(self, path: str, scope: Scope) -> Response:
        """The answer to a request.

        Args:
            path: Below the site's own path, with `/`, such as ``data/manifest.json``.

        Raises:
            HTTPException: There is no such file (404).
        """
        try:
            if path == MANIFEST:
                return await anyio.to_thread.run_sync(self._manifest, Headers(scope=scope))
            return await self._table(path, Headers(scope=scope))
        except NotStoredError as error:
            raise HTTPException(404) from error
        except StoreError as error:
            log.error(error.reason)
            return PlainTextResponse(error.reason, status_code=503, headers={"retry-after": "5"})

    def _manifest(self, headers: Headers) -> Response:
        try:
            found = self._target.read(MANIFEST)
        except StoreError as error:
            if self._last is None:
                raise
            log.warning(f"Pages show what was published last as far as is known: {error.reason}")
            found = self._last
        self._last = found
        if found.data is None:
            raise HTTPException(404)
        tag = {"etag": f'"{found.version.strip(chr(34))}"'}
        if _is_known(headers, tag["etag"]):
            return Response(status_code=304, headers=tag)
        return Response(found.data, media_type="application/json", headers=tag)

    async def _table(self, path: str, headers: Headers) -> Response:
        named = TABLE_FILE.fullmatch(path)
        if named is None:
            raise HTTPException(404)
        tag = {"etag": f'"{named["digest"]}"'}
        if _is_known(headers, tag["etag"]):
            # What has this name has never been anything else.
            return Response(status_code=304, headers=tag)
        copy = await anyio.to_thread.run_sync(published_file, self._folders, path)
        return FileResponse(copy, headers=tag)


def _is_known(headers: Headers, tag: str) -> bool:
    asked = headers.get("if-none-match", "")
    return tag in [each.strip().removeprefix("W/") for each in asked.split(",")]
