"""The example of a login before all three servers: a real nginx before a real `dataflow up`."""

from __future__ import annotations

import base64
import http.server
import os
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.conftest import REPOSITORY
from tests.service_fixtures import (
    Service,
    free_ports,
    running,
    until,
    write_project,
    write_site,
    write_workflow,
)
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from dataflow.service.named_tokens import NamedTokens
from dataflow.shared.project import Project

pytestmark = pytest.mark.slow

EXAMPLE = REPOSITORY / "examples" / "proxy"
PLACES = {"dagster": "/server_info", "api": "/docs", "dashboards": "/"}
RUN = "/api/v1/workflows/brief/run"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """All three servers of a project that is called by names of example.org."""
    root = write_project(tmp_path_factory.mktemp("service") / "shop")
    write_workflow(root, "brief")
    write_site(root)
    NamedTokens(Project(root)).create("unused", "read")
    with running(root, env={"DATAFLOW_ALLOWED_HOSTS": "*.example.org"}) as up:
        yield up


@dataclass
class Proxy:
    """nginx with the example's configuration."""

    port: int
    token_of_ann: str
    token_of_bob: str

    def ask(self, name: str, path: str, method: str = "GET", **options: Any) -> httpx.Response:
        """Ask one of the three by its name."""
        host = f"{name}.example.org"
        headers = {"Host": f"{host}:{self.port}", **options.pop("headers", {})}
        with httpx.Client(verify=False, trust_env=False, timeout=60) as client:  # noqa: S501
            return client.request(
                method,
                f"https://127.0.0.1:{self.port}{path}",
                headers=headers,
                extensions={"sni_hostname": host},
                **options,
            )

    def websocket(self, origin: str, headers: dict[str, str]) -> Any:
        """Open Dagster's websocket."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return connect(
            f"wss://dagster.example.org:{self.port}/graphql",
            sock=socket.create_connection(("127.0.0.1", self.port)),
            ssl=context,
            origin=Origin(origin),
            additional_headers=headers,
            subprotocols=[Subprotocol("graphql-ws")],
        )


@contextmanager
def proxied(service: Service, folder: Path, login: str, oauth2: int = 4180) -> Iterator[Proxy]:
    """Run nginx on the example's files, with other ports and places."""
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if nginx is None:
        pytest.skip("nginx is not installed")
    port = free_ports(1)[0]
    tokens = NamedTokens(Project(service.root))
    names = [each.name for each in tokens.all() if not each.revoked]
    for name in ("ann", "bob"):
        if name in names:
            tokens.revoke(name)
    proxy = Proxy(port, tokens.create("ann", "run"), tokens.create("bob", "read"))
    folder.mkdir()
    key, certificate = folder / "dataflow.key", folder / "dataflow.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x"),
            *("-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    passwords = folder / "dataflow.htpasswd"
    for name in ("ann", "bob", "eve"):
        digest = subprocess.run(
            ["openssl", "passwd", "-apr1", f"of-{name}"], check=True, capture_output=True, text=True
        ).stdout
        with passwords.open("a") as file:
            file.write(f"{name}:{digest}")
    (folder / "tokens.conf").write_text(
        f'map $login $token_of_login {{ default ""; ann "{proxy.token_of_ann}"; '
        f'bob "{proxy.token_of_bob}"; "ann@example.org" "{proxy.token_of_ann}"; }}'
    )
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    changes = {
        "http {": f"http {{\naccess_log off;\n{temporary}",
        "listen 443": f"listen 127.0.0.1:{port}",
        "/etc/ssl/certs/dataflow.pem": str(certificate),
        "/etc/ssl/private/dataflow.key": str(key),
        "/etc/nginx/dataflow.htpasswd": str(passwords),
        ":3000": f":{service.env['DATAFLOW_DAGSTER_PORT']}",
        ":8000": f":{service.env['DATAFLOW_API_PORT']}",
        ":9000": f":{service.env['DATAFLOW_EVIDENCE_PORT']}",
        ":4180": f":{oauth2}",
    }
    for source, target in (("nginx.conf", "nginx.conf"), (login, "login.conf")):
        text = (EXAMPLE / source).read_text()
        for old, new in changes.items():
            text = text.replace(old, new)
        (folder / target).write_text(text)
    errors = folder / "errors"
    server = subprocess.Popen(
        [
            *(nginx, "-p", folder, "-c", folder / "nginx.conf", "-e", errors),
            *("-g", f"daemon off; pid {folder}/pid; master_process off;"),
        ],
        stderr=subprocess.PIPE,
        text=True,
    )

    def listens() -> bool:
        assert server.poll() is None, server.stderr.read() if server.stderr else ""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        until(listens, "nginx", 20)
        yield proxy
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture(scope="module")
def passwords(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with proxied(
        service, tmp_path_factory.mktemp("proxy") / "nginx", "login-password.conf"
    ) as proxy:
        yield proxy


def test_nobody_comes_in_without_a_password(passwords: Proxy) -> None:
    """At none of the three names, whatever else is sent; any other name is none of ours."""
    for name, path in PLACES.items():
        for auth in (None, ("ann", "wrong"), ("nobody", "of-ann")):
            assert passwords.ask(name, path, auth=auth).status_code == 401, name
        for token in ("x", passwords.token_of_ann):
            header = {"Authorization": f"Bearer {token}"}
            assert passwords.ask(name, path, headers=header).status_code == 401, name
        assert passwords.ask(name, path, auth=("ann", "of-ann")).status_code == 200, name
    assert passwords.ask("evil", "/", auth=("ann", "of-ann")).status_code == 421
    graphql = {"query": "{ version }"}
    assert passwords.ask("dagster", "/graphql", "POST", json=graphql).status_code == 401
    with pytest.raises(InvalidStatus, match="401"):
        passwords.websocket(f"https://dagster.example.org:{passwords.port}", {})


def test_who_has_logged_in_uses_everything(passwords: Proxy) -> None:
    """Pages, GraphQL, its websocket and the REST API with the role of the token that is theirs."""
    ann = ("ann", "of-ann")
    origin = f"https://dagster.example.org:{passwords.port}"
    asked = passwords.ask(
        *("dagster", "/graphql", "POST"),
        json={"query": "{ version }"},
        headers={"Origin": origin, "Sec-Fetch-Site": "same-origin"},
        auth=ann,
    )
    assert asked.json()["data"]["version"]
    basic = base64.b64encode(b"ann:of-ann").decode()
    with passwords.websocket(origin, {"Authorization": f"Basic {basic}"}) as talking:
        talking.send('{"type": "connection_init"}')
        assert "connection_ack" in talking.recv(timeout=20)
    ended = passwords.ask("api", f"{RUN}?wait=60", "POST", auth=ann)
    assert (ended.status_code, ended.json()["status"]) == (200, "succeeded")
    bob = passwords.ask("api", RUN, "POST", auth=("bob", "of-bob"))
    assert bob.status_code == 403
    assert "this needs run" in bob.text
    # Who has no token of the API may see the rest.
    assert passwords.ask("api", RUN, "POST", auth=("eve", "of-eve")).status_code == 401
    assert passwords.ask("dashboards", "/", auth=("eve", "of-eve")).status_code == 200


def test_programs_call_the_rest_api_with_their_token(passwords: Proxy, service: Service) -> None:
    """Without a password; the API knows them, and the audit log tells who it was, from where."""
    header = {"Authorization": f"Bearer {passwords.token_of_ann}"}
    assert passwords.ask("api", RUN, "POST", headers=header).status_code == 202
    assert (
        passwords.ask("api", RUN, "POST", headers={"Authorization": "Bearer x"}).status_code == 401
    )
    audit = (service.root / ".dataflow" / "audit.jsonl").read_text().splitlines()
    assert '"actor": "ann"' in audit[-1]
    assert '"address": "127.0.0.1"' in audit[-1]


def test_a_login_is_of_no_use_to_pages_of_other_origins(passwords: Proxy) -> None:
    """A browser sends the password for them as well; who asks is looked at behind the proxy."""
    ann = ("ann", "of-ann")
    for origin in ("https://evil.example", f"https://dashboards.example.org:{passwords.port}"):
        for name, path in (("dagster", "/graphql"), ("api", RUN)):
            headers = {"Origin": origin, "Sec-Fetch-Site": "cross-site"}
            told = passwords.ask(name, path, "POST", json={}, headers=headers, auth=ann)
            assert told.status_code == 403, (origin, name)


@pytest.fixture(scope="module")
def company(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """The other login: what oauth2-proxy promises nginx, kept by a server of the test's own."""

    class OAuth2(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            knows = "_oauth2_proxy=of-ann" in (self.headers["Cookie"] or "")
            is_check = self.path == "/oauth2/auth"
            self.send_response((202 if knows else 401) if is_check else 200)
            if is_check and knows:
                self.send_header("X-Auth-Request-Email", "ann@example.org")
            text = b"" if is_check else f"log in, then {self.path}".encode()
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), OAuth2)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    folder = tmp_path_factory.mktemp("proxy") / "nginx"
    with proxied(service, folder, "login-oidc.conf", server.server_port) as proxy:
        yield proxy
    server.shutdown()


def test_a_login_of_the_company_opens_all_three(company: Proxy) -> None:
    """Whom oauth2-proxy knows is let in, people are sent to log in, programs are told 401."""
    cookie = {"Cookie": "_oauth2_proxy=of-ann"}
    for name, path in PLACES.items():
        assert company.ask(name, path, headers=cookie).status_code == 200, name
        token = {"Authorization": f"Bearer {company.token_of_ann}"}
        for headers in ({}, token, {"Cookie": "_oauth2_proxy=x"}, {"X-Auth-Request-Email": "ann"}):
            assert company.ask(name, path, headers=headers).status_code == 401, name
        page = company.ask(name, path, headers={"Accept": "text/html"})
        back = f"https://{name}.example.org:{company.port}{path}"
        assert page.status_code == 302
        assert page.headers["location"].endswith(f"/oauth2/start?rd={back}")
        assert "log in" in company.ask(name, "/oauth2/start?rd=x").text
    assert company.ask("api", f"{RUN}?wait=60", "POST", headers=cookie).status_code == 200
    header = {"Authorization": f"Bearer {company.token_of_bob}"}
    assert company.ask("api", "/api/v1/runs", headers=header).status_code == 200
    assert company.ask("api", RUN, "POST", headers=header).status_code == 403
