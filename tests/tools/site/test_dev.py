from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psutil
import pytest
from tests.browser_fixtures import OpenPage
from tests.dashboard_fixtures import AddWorkflow

from dataflow.publish.parquet import publish_workflow
from dataflow.service.web_server import PortInUseError, listen
from dataflow.shared.project import Project
from dataflow_tools.site.dev import develop_site

PAGE = """# Shop

```sql q
select count(*) as n from shop.t
```

<BigValue data={q} value=n title=Rows />
"""
PROGRAM = (
    "import sys; from pathlib import Path; from dataflow_tools.site.dev import develop_site; "
    "from dataflow.shared.project import Project; "
    "develop_site(Project(Path(sys.argv[1])), '127.0.0.1', int(sys.argv[2]))"
)

BUILD = (
    "import sys; from pathlib import Path; from dataflow_tools.site.site_build import build_site; "
    "from dataflow.shared.project import Project; build_site(Project(Path(sys.argv[1])), print)"
)


@pytest.fixture
def server(
    project: Project, add_workflow: AddWorkflow, shared_node_modules: Callable[[Path], None]
) -> Iterator[str]:
    """The development server of a project with one workflow, in a process of its own."""
    shared_node_modules(project.root)
    (project.root / "pyproject.toml").write_text(
        "[tool.dataflow]\nallowed_hosts = ['*.example.org']\n"
    )
    add_workflow(
        "shop",
        pages={"index.md": PAGE},
        sources={"t": "SELECT * FROM range(1234)"},
        warehouse="SELECT 1",
    )
    publish_workflow(project, "shop")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(project.root), str(port)])
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_it_answers(url, process)
        yield url
    finally:
        process.terminate()
        assert process.wait(20) == 128 + signal.SIGTERM
    # Node, which did the serving, is gone as well.
    listen("127.0.0.1", port).close()


def _wait_until_it_answers(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urlopen(url, timeout=60).close()  # noqa: S310
            return
        except (URLError, ConnectionError):
            time.sleep(0.2)
    pytest.fail("the development server did not start")


def _status(url: str, name: str) -> int:
    """How the server answers who calls it by a name."""
    connection = HTTPConnection(url.removeprefix("http://"), timeout=60)
    connection.request("GET", "/", headers={"Host": name})
    return connection.getresponse().status


@pytest.mark.slow
def test_what_is_saved_shows_at_once(
    project: Project, add_workflow: AddWorkflow, server: str, open_page: OpenPage
) -> None:
    """An edited page, an edited source query and a new workflow need no run and no restart."""
    assert [_status(server, name) for name in ("dash.example.org", "evil.org")] == [200, 403]
    watched = open_page()
    watched.page.set_default_timeout(120_000)

    watched.visit(f"{server}/shop/")
    assert watched.big_value("Rows") == "1,234"
    page = project.workflow_dir("shop") / "evidence/pages/index.md"
    page.write_text(PAGE + "\nWritten while you watch.\n")
    watched.page.get_by_text("Written while you watch.").wait_for()

    add_workflow(
        "shop",
        pages={"index.md": page.read_text()},
        sources={"t": "SELECT * FROM range(99)"},
    )
    watched.page.get_by_role("button", name="Show it").click()
    watched.page.get_by_text("99", exact=True).wait_for()

    add_workflow("second", pages={"index.md": "# Second\n\nHere as well.\n"})
    watched.page.wait_for_timeout(2000)
    watched.visit(f"{server}/second/")
    watched.page.get_by_text("Here as well.").wait_for()
    shutil.rmtree(project.workflow_dir("second"))
    watched.faults.clear()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("program", [PROGRAM, BUILD], ids=["dev", "build"])
def test_no_process_is_left_behind(
    project: Project,
    add_workflow: AddWorkflow,
    shared_node_modules: Callable[[Path], None],
    program: str,
    number: int,
) -> None:
    """However the command ends, the Node that it started ends with it."""
    shared_node_modules(project.root)
    add_workflow("shop")
    command = [sys.executable, "-c", program, str(project.root), "0"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as started:
        nodes = _wait_for_children(started)

        started.send_signal(number)

        psutil.wait_procs(nodes, timeout=20)
        assert [node for node in nodes if node.is_running()] == []


def _wait_for_children(started: subprocess.Popen[bytes]) -> list[psutil.Process]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and started.poll() is None:
        # Not one that is asked for its version, and gone at once.
        with suppress(psutil.NoSuchProcess):
            found = psutil.Process(started.pid).children(recursive=True)
            if any("lifeline" in " ".join(child.cmdline()) for child in found):
                return found
        time.sleep(0.1)
    pytest.fail("no Node was started")


def test_a_taken_port_is_said_before_anything_is_installed(project: Project) -> None:
    """Nobody waits a minute to learn that the port is taken."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(PortInUseError):
            develop_site(project, "127.0.0.1", taken.getsockname()[1])

    assert not (project.state_dir / "site" / "node_modules").exists()
