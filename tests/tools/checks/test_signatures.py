"""Signatures, read from the text of a file and from the living function."""

from __future__ import annotations

import ast
import dataclasses
from typing import Any

import pytest

from dataflow_tools.checks.signatures import Signature, _defined, _faults, describe

HEAD = "from __future__ import annotations\nfrom typing import Any\nimport pandas\n"
CASES = {
    "(params: dict[str, Any]) -> dict[str, Any]": [],
    "(params: dict, *, limit: int = 5) -> dict": [],
    "(params: dict, times: int = 5, *rest: int, **more: int) -> dict": [],
    '(params: "dict[str, Any]") -> "dict[str, Any]"': [],
    "()": ["first", "returns"],
    "(params)": ["no type for `params`", "no type for what it returns"],
    "(data: dict) -> dict": ["does not take `params` first"],
    "(params: dict, other: int) -> dict": ["needs `other`"],
    "(params: dict, *, other: int) -> dict": ["needs `other`"],
    "(params: list[int]) -> dict": ["type list[int] for `params`"],
    "(params: dict) -> pandas.DataFrame": ["type pandas.DataFrame for what it returns"],
    "(params: dict) -> None": ["type None"],
}


def both(text: str) -> tuple[Signature, Signature]:
    """A function's signature from its text and from the function itself."""
    code = f"{HEAD}{text}\n"
    names: dict[str, Any] = {}
    exec(compile(code, "ingestion.py", "exec"), names)  # noqa: S102
    written = _defined(ast.parse(code), "extract_data")
    assert written is not None
    return written, describe(names["extract_data"])


@pytest.mark.parametrize("parameters", CASES)
def test_what_is_wrong_is_said(parameters: str) -> None:
    """Each fault is named, and nothing else; it makes no difference where it is read from."""
    written, living = both(f"def extract_data{parameters}: return params")
    assert dataclasses.replace(written, line=0) == dataclasses.replace(
        living,
        returns=living.returns.strip("'") if '"' not in parameters else living.returns,
    )
    for signature in (written, living):
        faults = list(_faults(signature, "params"))
        assert len(faults) == len(CASES[parameters]), faults
        for fault, part in zip(faults, CASES[parameters], strict=True):
            assert part in fault


def test_a_coroutine_is_refused() -> None:
    """A job would get something that nobody awaits."""
    for signature in both("async def extract_data(params: dict) -> dict: return params"):
        assert "is async" in next(iter(_faults(signature, "params")))


def test_the_last_definition_counts() -> None:
    """As in Python itself."""
    tree = ast.parse("def extract_data(): ...\ndef extract_data(params: dict) -> dict: ...\n")
    signature = _defined(tree, "extract_data")
    assert signature is not None
    assert signature.line == 2
