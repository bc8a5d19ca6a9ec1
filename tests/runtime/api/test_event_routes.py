"""Signed events start runs over the REST API, by a real Dagster."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time

import httpx
import pytest
from tests.runtime.api.conftest import HOOK_SECRET
from tests.service_fixtures import Service

pytestmark = pytest.mark.slow

API = "/api/v1"


def tell(
    service: Service,
    event: str,
    secret: str = HOOK_SECRET,
    workflow_id: str = "hooked",
    body: bytes = b'{"order": 1}',
) -> httpx.Response:
    at = str(int(time.time()))
    content = b".".join((event.encode(), at.encode(), body))
    digest = hmac.new(secret.encode(), content, hashlib.sha256).digest()
    headers = {
        "Content-Type": "application/json",
        "webhook-id": event,
        "webhook-timestamp": at,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
    url = f"{API}/workflows/{workflow_id}/events"
    return service.api.post(url, content=body, headers=headers)


def test_a_signed_event_starts_one_run_however_often_it_is_sent(service: Service) -> None:
    """The run says what triggered it, and succeeds; another event is another run."""
    told = tell(service, "evt_1")
    assert told.status_code == 202, told.text
    run_id = told.json()["run_id"]
    ended = service.api.get(told.headers["Location"], params={"wait": 60}).json()
    assert (ended["status"], ended["workflow_id"]) == ("succeeded", "hooked")
    assert ended["tags"]["dataflow/trigger"] == "webhook"
    assert tell(service, "evt_1").json()["run_id"] == run_id
    other = tell(service, "evt_2").json()["run_id"]
    assert other != run_id
    service.api.get(f"{API}/runs/{other}", params={"wait": 60})
    assert len(service.journal("hooked")) == 4


def test_who_does_not_know_the_secret_starts_nothing(service: Service) -> None:
    """Neither do events for workflows that take none; whether there are such is not told."""
    before = len(service.journal("hooked"))
    assert tell(service, "evt_3", "guessed").status_code == 401
    unknown = [tell(service, "evt_3", workflow_id=name) for name in ("brief_0", "nobody")]
    assert [answer.status_code for answer in unknown] == [404, 404]
    assert unknown[0].json()["detail"] == unknown[1].json()["detail"]
    runs = service.api.get(f"{API}/runs", params={"workflow_id": "hooked", "limit": 500}).json()
    assert len(runs["runs"]) * 2 == before == len(service.journal("hooked"))
