"""Writing an object only if nobody has changed it, in the words of each object store."""

from __future__ import annotations

from typing import Any

from dataflow.shared.file_store import Content

_SECONDS = 90
# A precondition that does not hold, and S3's word for two who write at the same moment.
_CONFLICTS = ("PreconditionFailed", "ConditionalRequestConflict")


def read_object(system: Any, protocol: str, path: str) -> Content:
    """An object with what tells it from the next one under its name.

    Raises:
        Exception: Of a kind of the store's client.
    """
    from fsspec.asyn import sync

    read = {"s3": _read_s3, "gcs": _read_gcs, "abfs": _read_azure}[protocol]
    data, version = sync(system.loop, read, system, path, timeout=_SECONDS)
    return Content(data, version)


def write_object_if(system: Any, protocol: str, path: str, data: bytes, version: str) -> bool:
    """Write an object if it is still the one of a version, or is still not there; say whether.

    Raises:
        Exception: Of a kind of the store's client.
    """
    from fsspec.asyn import sync

    write = {"s3": _write_s3, "gcs": _write_gcs, "abfs": _write_azure}[protocol]
    return bool(sync(system.loop, write, system, path, data, version, timeout=_SECONDS))


async def _read_s3(system: Any, path: str) -> tuple[bytes, str]:
    bucket, key, _ = system.split_path(path)
    answer = await system._call_s3("get_object", Bucket=bucket, Key=key)
    async with answer["Body"] as body:
        return await body.read(), answer["ETag"]


async def _write_s3(system: Any, path: str, data: bytes, version: str) -> bool:
    from botocore.exceptions import ClientError

    bucket, key, _ = system.split_path(path)
    condition = {"IfMatch": version} if version else {"IfNoneMatch": "*"}
    # s3fs has several kinds of errors for one refusal; the client's own has a code.
    client = await system.set_session()
    try:
        await client.put_object(Bucket=bucket, Key=key, Body=data, **condition)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        # One who was to be replaced may be gone.
        if code in _CONFLICTS or status == 412 or (version and code == "NoSuchKey"):
            return False
        raise
    return True


async def _read_gcs(system: Any, path: str) -> tuple[bytes, str]:
    # The bytes of one generation are the same for ever.
    about = await system._info(path)
    generation = str(about["generation"])
    bucket, key, _ = system.split_path(path)
    _, data = await system._call(
        "GET", "b/{}/o/{}", bucket, key, alt="media", generation=generation
    )
    return data, generation


async def _write_gcs(system: Any, path: str, data: bytes, version: str) -> bool:
    bucket, key, _ = system.split_path(path)
    try:
        await system._call(
            "POST",
            f"{system._location}/upload/storage/v1/b/{bucket}/o",
            uploadType="media",
            name=key,
            ifGenerationMatch=version or "0",
            headers={"Content-Type": "application/octet-stream"},
            data=data,
        )
    except FileExistsError:
        # What gcsfs makes of 412, for a generation that is another one as well.
        return False
    return True


async def _read_azure(system: Any, path: str) -> tuple[bytes, str]:
    container, key, _ = system.split_path(path)
    async with system.service_client.get_blob_client(container, key) as client:
        stream = await client.download_blob()
        return await stream.readall(), str(stream.properties.etag)


async def _write_azure(system: Any, path: str, data: bytes, version: str) -> bool:
    from azure.core import MatchConditions
    from azure.core.exceptions import ResourceExistsError, ResourceModifiedError

    container, key, _ = system.split_path(path)
    condition = (
        {"etag": version, "match_condition": MatchConditions.IfNotModified, "overwrite": True}
        if version
        else {"overwrite": False}
    )
    async with system.service_client.get_blob_client(container, key) as client:
        try:
            await client.upload_blob(data, **condition)
        except (ResourceExistsError, ResourceModifiedError):
            return False
    return True
