"""A config.yaml that somebody made to do harm is one clear refusal, and nothing else happens."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.hostile.test_secrets import MANY

from dataflow.shared.config import ConfigError, read_config
from dataflow.shared.project import Project

pytestmark = pytest.mark.slow

GOOD = """\
workflow: {name: "Sales", schedule: "0 6 * * *", timezone: "UTC"}
ingestion:
  source:
    type: api
    url: "https://shop.test/sales"
    auth_type: bearer_token
    token: ${SHOP_TOKEN}
    headers: {X-Team: "a"}
    paging: {type: cursor, cursor_path: next, cursor_param: from}
  parameters: {batch_size: 100, max_retries: 3, timeout_seconds: 30}
transformation:
  stages:
    - {name: cleaning, options: {remove_duplicates: true}}
load: {table: sales, write_disposition: merge, primary_key: [id]}
run: {on_failure: ["${ROOM}"]}
"""
LINES = GOOD.splitlines(keepends=True)
EVIL = [
    "!!python/object/apply:os.system ['touch evil']",
    "!!python/object/new:subprocess.Popen [['touch', 'evil']]",
    "!!python/name:os.system",
    "!!binary aGVsbG8=",
    "!!set {a, b}",
    "!!timestamp 2024-01-01",
    "{? [a, b] : c}",
    "&a [*a]",
    "*nowhere",
    "<<: *a",
    "<<: {a: 1}",
    "${EVIL:-${EVIL}}",
    "${",
    "${}",
    "${A-B}",
    "$(touch evil)",
    "`touch evil`",
    "9" * 5_000,
    "0x" + "f" * 5_000,
    "1" + "_0" * 500,
    "1e999",
    ".nan",
    "-.inf",
    "[" * 500,
    "{a: " * 200,
    "- " * 300,
    "? " * 300,
    "\t",
    "\t- a",
    "\x00",
    '"\\0"',
    "\x1b[31m",
    "\x7f",
    "\x85",
    "\u2028",
    "\ufeff",
    "\ufffe",
    "---",
    "...",
    "--- !<tag:x> a",
    "%YAML 9.9",
    "%TAG ! tag:x,2000:",
    "|\n  a\n b",
    ">9999\n a",
    '"',
    "'",
    "'a''",
    "{",
    "}",
    "]",
    "@a",
    "%a",
    ": :",
    "a: b: c",
    "workflow: {name: b}",
    "load: {table: x, table: y}",
    "~",
    "null",
    "no",
    "x" * 2_000,
    "{{ 7 * 7 }}",
    "<script>",
    "\n" * 300,
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a workflow in a project."""
    root = tmp_path_factory.mktemp("config")
    (root / "pyproject.toml").write_text("[tool.dataflow]\n")
    folder = Project(root).workflow_dir("sales")
    folder.mkdir(parents=True)
    return folder


def said(folder: Path, data: bytes) -> str:
    """What is wrong with a configuration; nothing if it can be used. Nothing else is raised."""
    path = folder / "config.yaml"
    path.write_bytes(data)
    variables = {"SHOP_TOKEN": "of-the-shop", "ROOM": "json://room", "EVIL": "from-outside"}
    try:
        read_config(path, environ=variables)
    except ConfigError as error:
        return str(error)
    return ""


def read(folder: Path, data: bytes) -> None:
    """Read a configuration: values or lines of faults, in no time, and without a side effect."""
    started = time.process_time()
    text = said(folder, data)
    assert time.process_time() - started < 5
    assert os.listdir(folder) == ["config.yaml"]  # noqa: PTH208
    assert not Path("evil").exists()
    lines = text.splitlines()
    assert all(line.isprintable() and len(line) < 1_000 for line in lines)
    assert all(line.startswith("src/dataflow/workflows/sales/config.yaml") for line in lines[:-1])
    assert "of-the-shop" not in text
    assert "from-outside" not in text


def edits() -> st.SearchStrategy[str]:
    """The good configuration with evil things in a few places, lines moved, doubled or gone."""
    places = st.integers(0, len(GOOD))

    def put(edited: list[tuple[int, str]]) -> str:
        text = GOOD
        for place, snippet in sorted(edited, reverse=True):
            text = text[:place] + snippet + text[place:]
        return text

    inserted = st.lists(st.tuples(places, st.sampled_from(EVIL)), min_size=1, max_size=3).map(put)
    values = st.builds(
        lambda line, evil: "".join(
            text if index != line else text.split(":")[0] + ": " + evil + "\n"
            for index, text in enumerate(LINES)
        ),
        st.integers(0, len(LINES) - 1),
        st.sampled_from(EVIL),
    )
    shuffled = st.lists(st.sampled_from([*LINES, *(f"{e}\n" for e in EVIL)]), max_size=20).map(
        "".join
    )
    return inserted | values | shuffled


@settings(max_examples=1500, suppress_health_check=list(HealthCheck))
@given(edits())
def test_whatever_a_file_says_is_read_or_refused(folder: Path, text: str) -> None:
    """Fifteen hundred broken and hostile files: values or faults, no exception, no side effect."""
    read(folder, text.encode(errors="surrogatepass"))


@settings(max_examples=400, suppress_health_check=list(HealthCheck))
@given(
    st.binary(max_size=300)
    | st.tuples(st.sampled_from(["utf-16", "utf-32", "latin-1", "utf-7", "cp037"]), edits()).map(
        lambda pair: pair[1].encode(pair[0], errors="replace")
    )
    | st.tuples(st.integers(0, len(GOOD)), st.binary(min_size=1, max_size=4)).map(
        lambda pair: GOOD.encode()[: pair[0]] + pair[1] + GOOD.encode()[pair[0] :]
    )
)
def test_bytes_of_any_encoding_are_read_or_refused(folder: Path, data: bytes) -> None:
    """Random bytes, other encodings, broken sequences in the middle."""
    read(folder, data)


def bomb() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    return "\n".join(lines)


FILES: dict[str, bytes] = {
    "bomb": bomb().encode() + b"\n" + GOOD.encode(),
    "repeated": (GOOD + "load: {table: other}\n").encode(),
    "tagged": GOOD.replace('"Sales"', EVIL[0]).encode(),
    "tabs": GOOD.replace("    - {", "\t- {").encode(),
    "utf16": GOOD.encode("utf-16"),
    "latin": GOOD.replace("Sales", "Söle").encode("latin-1"),
    "with_nul": GOOD.replace("Sales", "Sa\0les").encode(),
    "escaped_nul": GOOD.replace("Sales", "Sa\\0les").encode(),
    "deep": GOOD.replace("[id]", "[" * 5_000 + "]" * 5_000).encode(),
    "huge_number": GOOD.replace("100,", "9" * 10_000 + ",").encode(),
    "large": GOOD.encode() + b"#" * 2_000_000,
    "two_documents": (GOOD + "---\n" + GOOD).encode(),
    "merge_key": ("x: &x {a: 1}\n" + GOOD.replace("load: {", "load: {<<: *x, ")).encode(),
    "empty": b"",
    "a_list": b"- a\n",
}


def test_the_command_refuses_in_one_message_and_writes_nothing(tmp_path: Path) -> None:
    """Exit code 2, no traceback, the file and what to do; no history, data or state is made."""
    (tmp_path / "pyproject.toml").write_text("[tool.dataflow]\n")
    for name, data in FILES.items():
        folder = Project(tmp_path).workflow_dir(name)
        folder.mkdir(parents=True)
        (folder / "config.yaml").write_bytes(data)
        (folder / "dagster_job.py").write_text("open('evil', 'w')\n")
    (Project(tmp_path).workflow_dir("a_folder") / "config.yaml").mkdir(parents=True)
    (Project(tmp_path).workflow_dir("a_folder") / "dagster_job.py").touch()
    before = sorted(tmp_path.rglob("*"))
    names = [*FILES, "a_folder"]
    done = subprocess.run(
        [sys.executable, "-c", MANY],
        input=json.dumps([["workflow", "run", name] for name in names]),
        cwd=tmp_path,
        env={**os.environ, "SHOP_TOKEN": "of-the-shop", "ROOM": "json://room"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert json.loads(done.stdout) == dict.fromkeys(names, 2), done.stderr[-3000:]
    assert "Traceback" not in done.stderr
    for name in names:
        assert f"src/dataflow/workflows/{name}/config.yaml" in done.stderr
    assert done.stderr.count("Error: ") == len(names)
    assert sorted(tmp_path.rglob("*")) == before
