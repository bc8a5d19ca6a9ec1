"""`dataflow workflow new --source`: what it says, and what it writes down."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Dataflow

pytestmark = pytest.mark.slow

RECORDS = json.dumps([{"id": number, "amount": number * 1.5} for number in range(20)])


@contextmanager
def api(token: str) -> Iterator[str]:
    """An API on a real socket that answers whoever has the token."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.headers.get("Authorization") == f"Bearer {token}"
            self.send_response(200 if known else 401)
            self.end_headers()
            self.wfile.write(RECORDS.encode() if known else b"{}")

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/items"
        finally:
            server.shutdown()
            thread.join()


def source_of(project: Path, name: str) -> dict[str, Any]:
    path = project / "src" / "dataflow" / "workflows" / name / "config.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    found: dict[str, Any] = config["ingestion"]["source"]
    return found


def test_what_the_file_asked_for_is_told_and_written_down(
    project_folder: Path, tmp_path: Path, dataflow: Dataflow
) -> None:
    """A file in an old encoding with decimal commas is read, and the workflow reads it so again."""
    file = tmp_path / "umsatz.csv"
    rows = "".join(f"{number};Köln;{number},50\n" for number in range(1, 21))
    file.write_bytes(f"id;Stadt;Betrag\n{rows}".encode("latin-1"))
    made = dataflow("workflow", "new", "umsatz", "--source", file, cwd=project_folder)
    assert made.returncode == 0, made.stderr
    for words in ("20 rows, 3 columns", "cp1252", "decimal comma", "outside the project"):
        assert words in made.stdout
    assert source_of(project_folder, "umsatz")["encoding"] == "cp1252"
    run = dataflow("workflow", "run", "umsatz", cwd=project_folder)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "20 rows into raw.umsatz" in run.stdout


def test_an_api_is_looked_at_with_the_credentials_that_the_workflow_will_use(
    project_folder: Path, dataflow: Dataflow
) -> None:
    """The variable is read at once, named when it is missing, and its value is written nowhere."""
    with api("s3same-open") as url:
        command = ("workflow", "new", "items", "--source", url)
        login = ("-d", "auth_type=bearer_token", "-d", "source_settings={paging: {type: none}}")
        refused = dataflow(*command, cwd=project_folder)
        unset = dataflow(*command, *login, cwd=project_folder)
        env = {"ITEMS_TOKEN": "s3same-open"}
        made = dataflow(*command, *login, cwd=project_folder, env=env)
    assert (refused.returncode, unset.returncode) == (1, 2)
    assert "401" in refused.stderr
    assert "-d auth_type=bearer_token" in refused.stderr
    assert "ITEMS_TOKEN is not set" in unset.stderr
    assert made.returncode == 0, made.stderr
    assert "20 rows, 2 columns; key: id; measures: amount" in made.stdout
    source = source_of(project_folder, "items")
    assert (source["token"], source["paging"]) == ("${ITEMS_TOKEN}", {"type": "none"})
    folder = project_folder / "src"
    texts = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert not any(b"s3same-open" in text for text in texts)


def test_a_bare_list_of_an_api_is_read_by_the_first_run(
    project_folder: Path, dataflow: Dataflow
) -> None:
    """What was found of paging stands beside the settings that were given."""
    given = "source_settings={headers: {X-Team: data}}"
    with api("s3same-open") as url:
        env = {"BARE_TOKEN": "s3same-open"}
        command = ("workflow", "new", "bare", "--source", url, "-d", "auth_type=bearer_token")
        made = dataflow(*command, "-d", given, cwd=project_folder, env=env)
        assert made.returncode == 0, made.stderr
        source = source_of(project_folder, "bare")
        assert (source["paging"], source["headers"]) == ({"type": "none"}, {"X-Team": "data"})
        run = dataflow("workflow", "run", "bare", cwd=project_folder, env=env)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "20 rows into raw.bare" in run.stdout


def test_an_answer_that_nobody_asked_for_is_refused(
    project_folder: Path, dataflow: Dataflow
) -> None:
    """A misspelt question is no answer to another one, and nothing is left behind."""
    before = sorted(project_folder.rglob("*"))
    refused = dataflow("workflow", "new", "trips", "-d", "titel=Trips", cwd=project_folder)
    assert refused.returncode == 2
    assert "titel" in refused.stderr
    assert "Did you mean `title`?" in refused.stderr
    hidden = dataflow("workflow", "new", "trips", "-d", "auth_type=basic", cwd=project_folder)
    assert hidden.returncode == 2
    assert "auth_type: the template does not ask for this" in hidden.stderr
    choice = dataflow("workflow", "new", "trips", "-d", "source_type=fil", cwd=project_folder)
    assert "Did you mean `file`? There are: api, database, file." in choice.stderr
    assert sorted(project_folder.rglob("*")) == before


def test_tables_of_an_earlier_workflow_of_the_name_are_told(
    project_folder: Path, dataflow: Dataflow
) -> None:
    """A run would go on from how far the earlier one had read its source."""
    (project_folder / "data").mkdir(exist_ok=True)
    (project_folder / "data" / "again.duckdb").touch()
    made = dataflow("workflow", "new", "again", "--defaults", cwd=project_folder)
    assert "data/again.duckdb" in made.stdout
    assert "move it away first" in made.stdout


def test_what_new_advises_of_a_column_runs_and_passes_the_rendered_tests(
    project_folder: Path, dataflow: Dataflow
) -> None:
    """One date that is none: with the line that the note gives, the rest are dates, and tested."""
    file = project_folder / "orders.csv"
    days = [f"{day:02}/03/2024" for day in range(1, 29)]
    rows = [f"{number},{day},{number}" for number, day in enumerate([*days, "31/02/2024"])]
    file.write_text("\n".join(["id,day,n", *rows]) + "\n")
    made = dataflow("workflow", "new", "orders", "--source", file, cwd=project_folder)
    advised = made.stdout.split("set it to `")[1].split("`")[0]
    config = project_folder / "src" / "dataflow" / "workflows" / "orders" / "config.yaml"
    text = config.read_text(encoding="utf-8").replace("day: {type: text}", f"day: {advised}")
    text = text.replace("  columns:\n", "  on_change: {bad_value: quarantine}\n  columns:\n")
    config.write_text(text, encoding="utf-8")
    run = dataflow("workflow", "run", "orders", cwd=project_folder)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "28 rows into raw.orders" in run.stdout
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(config.parent)]
    tested = subprocess.run(command, cwd=project_folder, capture_output=True, text=True)
    assert tested.returncode == 0, tested.stdout


STANZAS = """
from pathlib import Path
from typing import Literal

from dataflow.shared.config_types import Section
from dataflow.sources.kind import Extracted, SourceKind


class Stanza(Section):
    type: Literal["stanza"]
    path: str


def read(settings, request):
    files = sorted(Path(settings.path).glob("*.stz"))
    rows = [{"id": n, "amount": n * 1.5, "name": file.stem} for n, file in enumerate(files)]
    return Extracted(rows, settings.path)


KIND = SourceKind(Stanza, read)
"""


def test_a_plug_ins_source_starts_a_workflow(
    project_folder: Path, tmp_path: Path, dataflow: Dataflow
) -> None:
    """Its reader is asked, and config and models are rendered from what it gave."""
    site = tmp_path / "site"
    info = site / "acme_stanza-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "acme_stanza.py").write_text(STANZAS)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-stanza\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[dataflow.sources]\nstanza = acme_stanza:KIND\n")
    data = tmp_path / "stanzas"
    data.mkdir()
    for name in ("one", "two", "three"):
        (data / f"{name}.stz").write_bytes(b"\x01")

    def new(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        env = {"PYTHONPATH": str(site)}
        return dataflow("workflow", "new", name, *arguments, cwd=project_folder, env=env)

    settings = f"source_settings={{path: {data}}}"
    slip = new("bills", "-d", "source_type=stanzas", "-d", settings)
    assert "Did you mean `stanza`?" in slip.stderr
    unread = new("bills", "--source", str(data / "one.stz"))
    assert "-d source_type=stanza -d source_settings=" in unread.stderr
    both = new("bills", "--source", str(data), "-d", "source_type=stanza")
    assert "described by its keys, not by a location" in both.stderr
    mistyped = new("bills", "-d", "source_type=stanza", "-d", "source_settings={pth: x}")
    assert "source_settings.pth: is not a known key" in mistyped.stderr
    assert "did you mean `path`?" in mistyped.stderr
    assert "-d source_settings=" in mistyped.stderr
    assert "config.yaml" not in mistyped.stderr
    made = new("bills", "-d", "source_type=stanza", "-d", settings)
    assert made.returncode == 0, made.stderr
    assert "3 rows, 3 columns; key: id" in made.stdout
    assert source_of(project_folder, "bills") == {"type": "stanza", "path": str(data)}
    folder = project_folder / "src" / "dataflow" / "workflows" / "bills"
    assert "amount" in (folder / "dbt" / "models" / "staging" / "stg_bills.sql").read_text()


def test_an_api_that_refuses_says_what_to_type(project_folder: Path, dataflow: Dataflow) -> None:
    """Which login to name and which variable to set; of a wrong one, which it was."""
    with api("tok-123456") as url:
        refused = dataflow("workflow", "new", "walled", "--source", url, cwd=project_folder)
        wrong = dataflow(
            *("workflow", "new", "walled", "--source", url, "-d", "auth_type=bearer_token"),
            cwd=project_folder,
            env={"WALLED_TOKEN": "tok-999999"},
        )
    assert (
        "set WALLED_TOKEN in the environment, and add -d auth_type=bearer_token" in refused.stderr
    )
    assert "auth_type=basic reads WALLED_USERNAME and WALLED_PASSWORD" in refused.stderr
    assert "See that WALLED_TOKEN is right" in wrong.stderr
    assert "tok-999999" not in wrong.stderr
