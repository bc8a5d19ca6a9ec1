"""`dataflow evidence serve`."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import httpx
import pytest
from tests.conftest import BIN
from tests.service_fixtures import free_ports, until, write_project, write_site


@pytest.mark.slow
def test_the_first_page_is_opened_when_it_answers(tmp_path: Path) -> None:
    """By the system's own command for it, which finds a server there; Ctrl-C ends it well."""
    root = write_project(tmp_path / "shop")
    write_site(root)
    opened = tmp_path / "opened"
    browser = tmp_path / "bin" / "xdg-open"
    browser.parent.mkdir()
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}.new && mv {opened}.new {opened}\n')
    browser.chmod(0o755)
    port = free_ports(1)[0]
    process = subprocess.Popen(
        [BIN / "dataflow", "evidence", "serve", "--open", "--port", str(port)],
        cwd=root,
        env={**os.environ, "PATH": f"{browser.parent}:{os.environ['PATH']}"},
    )
    try:
        until(opened.exists, "the browser's start")
        address = opened.read_text().strip()
        assert address == f"http://127.0.0.1:{port}"
        assert "the dashboard" in httpx.get(address, trust_env=False).text
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
