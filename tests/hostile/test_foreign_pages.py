"""Pages of other origins, in a real browser, against all three servers of a project."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Playwright
from tests.browser_fixtures import started_browser
from tests.service_fixtures import Service, running, write_project
from tests.service_fixtures import write_workflow as by_hand

pytestmark = pytest.mark.slow

LAUNCH = (
    'mutation { launchRun(executionParams: {selector: {repositoryName: "__repository__", '
    'repositoryLocationName: "dataflow", jobName: "brief_job"}, runConfigData: {}, '
    'mode: "default"}) { __typename } }'
)
# Each way gives what the page learned; what it started is looked for at the servers.
WAYS = """
async ({dagster, api, evidence, launch}) => {
  const told = {};
  const query = dagster + '/graphql?query=' + encodeURIComponent(launch);
  const run = api + '/api/v1/workflows/brief/run';
  const json = JSON.stringify({query: launch});
  const body = document.body;
  const tries = {
    'body-less POST': () => fetch(run, {method: 'POST', mode: 'no-cors'}),
    'POST as text': () => fetch(run, {method: 'POST', mode: 'no-cors', body: '{}'}),
    'POST without a type': () =>
      fetch(run, {method: 'POST', mode: 'no-cors', body: new Blob(['{}'])}),
    'beacon': () => navigator.sendBeacon(run),
    'GraphQL by GET': () => fetch(query, {mode: 'no-cors'}),
    'GraphQL by image': () => new Promise((done) => {
      const image = new Image();
      image.onload = image.onerror = () => done();
      image.src = query;
    }),
    'GraphQL in the address of a POST': () => fetch(query, {method: 'POST', mode: 'no-cors'}),
    'GraphQL as text that says JSON': () => fetch(dagster + '/graphql', {
      method: 'POST', mode: 'no-cors', body: json,
      headers: {'Content-Type': 'text/plain; x=application/json'},
    }),
    'GraphQL as JSON': () => fetch(dagster + '/graphql', {
      method: 'POST', body: json, headers: {'Content-Type': 'application/json'},
    }),
    'materialisation': () =>
      fetch(dagster + '/report_asset_materialization/stolen', {method: 'POST', mode: 'no-cors'}),
  };
  for (const [where, address] of Object.entries({dagster, api, evidence})) {
    for (const path of ['/', '/server_info', '/api/v1/workflows', '/data/manifest.json']) {
      tries[`read ${where}${path}`] = () => fetch(address + path);
    }
    tries[`frame of ${where}`] = () => new Promise((done) => {
      const frame = document.createElement('iframe');
      frame.onload = () => done();
      frame.src = address;
      body.append(frame);
    });
  }
  for (const [name, attempt] of Object.entries(tries)) {
    try {
      const answer = await attempt();
      told[name] = answer && answer.type !== 'opaque' && answer.text ? await answer.text() : '';
    } catch (error) {
      told[name] = '';
    }
  }
  // A form into a frame, and a window of its own: both are navigations.
  for (const [method, address] of [['POST', run], ['POST', query], ['GET', query]]) {
    await new Promise((done) => {
      const frame = document.createElement('iframe');
      frame.name = 'f' + Math.floor(performance.now() * 1000);
      body.append(frame);
      const form = document.createElement('form');
      Object.assign(form, {method, action: address, target: frame.name, enctype: 'text/plain'});
      if (method === 'GET') {
        const field = document.createElement('input');
        Object.assign(field, {name: 'query', value: launch});
        form.append(field);
      }
      body.append(form);
      frame.onload = () => done();
      form.submit();
      setTimeout(done, 3000);
    });
  }
  told['websocket'] = await new Promise((done) => {
    const socket = new WebSocket(dagster.replace('http', 'ws') + '/graphql', 'graphql-ws');
    socket.onopen = () => done('opened');
    socket.onerror = () => done('');
  });
  return told;
}
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """All three servers of a project with one workflow and a dashboard."""
    root = write_project(tmp_path_factory.mktemp("service") / "shop")
    by_hand(root, "brief")
    public = root / ".dataflow" / "site" / "public"
    (public / "data").mkdir(parents=True)
    (public / "index.html").write_text("<!doctype html>the dashboard")
    (public / "data" / "manifest.json").write_text('{"sales": "42"}')
    with running(root) as up:
        yield up


@pytest.fixture(scope="module")
def browser(playwright_driver: Playwright) -> Iterator[Browser]:
    """A Chromium that finds names of attackers on this machine, as their name servers may say."""
    # Not every browser keeps pages of the internet from this machine by itself, as Chromium does.
    everybody = "--disable-features=LocalNetworkAccessChecks"
    names = "--host-resolver-rules=MAP *.example 127.0.0.1"
    with started_browser(playwright_driver, names, everybody) as started:
        yield started


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[int]:
    """The port of a web server that is none of ours."""

    class Harmless(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><body>a harmless page")

        def log_message(self, *_: Any) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Harmless)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()


def addresses(service: Service, host: str = "127.0.0.1") -> dict[str, str]:
    ports = {name: service.env[f"DATAFLOW_{name.upper()}_PORT"] for name in ("dagster", "api")}
    ports["evidence"] = service.env["DATAFLOW_EVIDENCE_PORT"]
    return {name: f"http://{host}:{port}" for name, port in ports.items()}


def started(service: Service) -> int:
    """How many runs there are, and materialisations that somebody reported."""
    runs = service.graphql("{ runsOrError { ... on Runs { results { id } } } }")
    assets = service.graphql("{ assetsOrError { ... on AssetConnection { nodes { id } } } }")
    reported = [node for node in assets["assetsOrError"]["nodes"] if "stolen" in node["id"]]
    return len(runs["runsOrError"]["results"]) + len(reported)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "evil.example"])
def test_a_page_of_another_origin_starts_and_reads_nothing(
    service: Service, browser: Browser, elsewhere: int, host: str
) -> None:
    """Neither from another port of this machine nor from another name, whatever it tries."""
    page = browser.new_page()
    page.goto(f"http://{host}:{elsewhere}/")
    told = page.evaluate(WAYS, {**addresses(service), "launch": LAUNCH})
    frames = [frame.content() for frame in page.frames[1:]]
    with page.expect_popup() as popup:
        page.evaluate(
            "(address) => { window.open(address) }",
            f"{service.dagster_url}/graphql?query={quote(LAUNCH)}",
        )
    popup.value.wait_for_load_state()
    page.close()
    assert started(service) == 0
    assert {name: text for name, text in told.items() if text} == {}
    assert not [text for text in frames if "the dashboard" in text or "Dagster" in text]


@pytest.mark.parametrize("server", ["dagster", "api", "evidence"])
def test_a_name_that_is_pointed_at_this_machine_opens_nothing(
    service: Service, browser: Browser, server: str
) -> None:
    """DNS rebinding: the page is of the same origin as the server, by the attacker's own name."""
    there = addresses(service, "evil.example")
    page = browser.new_page()
    page.route("**/attack", lambda route: route.fulfill(body="<!doctype html><body>"))
    page.goto(f"{there[server]}/attack")
    ask = "async ([path, options]) => { const a = await fetch(path, options); return a.status }"
    post = {"method": "POST", "headers": {"Content-Type": "application/json"}}
    for path, options in [
        ("/", {}),
        ("/data/manifest.json", {}),
        ("/api/v1/workflows", {}),
        ("/api/v1/workflows/brief/run", {"method": "POST"}),
        ("/graphql", {**post, "body": json.dumps({"query": LAUNCH})}),
    ]:
        assert page.evaluate(ask, [path, options]) == 421, path
    page.close()
    assert started(service) == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_pages_of_the_service_itself_work(
    service: Service, browser: Browser, host: str, elsewhere: int
) -> None:
    """Dagster's UI starts, asks, listens and launches; a link from elsewhere opens each page."""
    before = started(service)
    there = addresses(service, host)
    page = browser.new_page()
    refused: list[str] = []
    page.on("response", lambda a: refused.append(a.url) if a.status in (403, 415, 421) else None)
    for name, address in there.items():
        page.goto(f"http://evil.example:{elsewhere}/")
        path = "/docs" if name == "api" else "/"
        with page.expect_response(address + path) as opened:
            page.evaluate("(address) => { location.href = address }", address + path)
        assert opened.value.status == 200
        page.wait_for_url(address + "/**")
    page.goto(f"{there['dagster']}/runs")
    page.get_by_text("Runs").first.wait_for()
    ended = page.evaluate(
        """async (query) => {
          const headers = {'Content-Type': 'application/json'};
          const body = JSON.stringify({query});
          const answer = await fetch('/graphql', {method: 'POST', headers, body});
          const address = location.origin.replace('http', 'ws') + '/graphql';
          const socket = new WebSocket(address, 'graphql-ws');
          const opened = await new Promise((done) => {
            socket.onopen = () => done(true);
            socket.onerror = () => done(false);
          });
          return [(await answer.json()).data.launchRun.__typename, opened];
        }""",
        LAUNCH,
    )
    page.close()
    assert ended == ["LaunchRunSuccess", True]
    assert refused == []
    assert started(service) == before + 1
