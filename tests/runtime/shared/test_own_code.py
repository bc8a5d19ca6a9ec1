"""What an author's files define, as config.yaml may name it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from dataflow.shared.own_code import OwnCode

FILES = {
    "as rendered": "def extract_data(params): pass\ndef transform_data(data): pass\n",
    "of the author's": "def read_ftp(source): pass\ndef rounded(data, options): pass\n",
    "on two lines": "def \\\n  read_ftp(source): pass\ndef\\\n rounded(data): pass\n",
    "after a form feed": "import os\n\x0cdef read_ftp(source): pass\n\x0cdef rounded(data): pass\n",
    "wide letters, which Python takes for plain ones": (
        "def \uff52ead_ftp(source): pass\ndef r\uff45ad_sftp(source): pass\n"
        "def \uff52ounded(data): pass\n"
    ),
    "letters beyond words": "def read_\u2118(source): pass\ndef \u2118(data): pass\n",
    "a name that begins like a known one": "def transform_data\u00b7b(data): pass\n",
    "decorated, with a type": "@keep\ndef read_ftp(source: dict[str, int]) -> None: pass\n",
    "private": "def _read_ftp(source): pass\ndef _rounded(data): pass\n",
    "in a class, in a function, asynchronous": (
        "class A:\n    def read_ftp(self): pass\ndef f():\n    def rounded(data): pass\n"
        "async def read_sftp(source): pass\n"
    ),
    "in words": '"""def read_ftp(source): as it was.\n\ndef rounded(data)"""\n# def read_ftp():\n',
    "no Python": "def read_ftp(:\n",
}


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_functions_are_found_as_python_finds_them(tmp_path: Path, text: str) -> None:
    """Whether a file needs to be parsed at all is told from its text, and never wrongly."""
    for file in ("ingestion.py", "transform.py"):
        (tmp_path / file).write_text(text, encoding="utf-8")
    try:
        nodes = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    except SyntaxError:
        nodes = []
    names = {node.name for node in nodes}

    code = OwnCode("sales", tmp_path)
    assert code.readers == {name[5:] for name in names if name.startswith("read_")}
    stages = {name for name in names if not name.startswith("_")}
    assert code.stages == stages - {"transform_data"}
