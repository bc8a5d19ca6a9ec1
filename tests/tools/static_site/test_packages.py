from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from dataflow.publish.folders import SiteFolders
from dataflow.shared.errors import MissingDependencyError
from dataflow_tools.static_site.packages import PackageFetchError, collect_code


@contextmanager
def _registry(status: int, content: bytes) -> Iterator[tuple[str, list[str]]]:
    """A registry that answers everything alike; gives its address and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "content", "reason"),
    [(200, b"something else", "another hash than the lock file"), (404, b"", "404")],
)
def test_what_is_not_the_locked_package_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, content: bytes, reason: str
) -> None:
    """Another content or none: an error that says so, nothing is kept, and the next build asks."""
    folders = SiteFolders(tmp_path / "site")
    with _registry(status, content) as (address, asked):
        (tmp_path / ".npmrc").write_text(f"registry={address}\n")
        monkeypatch.delenv("NPM_CONFIG_REGISTRY", raising=False)
        for _ in range(2):
            with pytest.raises(PackageFetchError, match=reason):
                collect_code(folders, tmp_path, lambda _: None)

    assert asked == ["/@duckdb/duckdb-wasm/-/duckdb-wasm-1.28.0.tgz"] * 2
    assert list(folders.base.rglob("*.wasm")) == []


def test_without_mosaic_the_error_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no installed distribution is found, it is said how to get the one that draws."""
    monkeypatch.setattr(sys, "path", [str(tmp_path)])

    with pytest.raises(MissingDependencyError) as caught:
        collect_code(SiteFolders(tmp_path / "site"), tmp_path, lambda _: None)

    assert "dataflow-tools[static]" in caught.value.instruction
