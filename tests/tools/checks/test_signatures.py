"""Signatures of the two functions that every job calls."""

from __future__ import annotations

from typing import Any

import pytest

from dataflow_tools.checks.signatures import _faults, describe
from dataflow_tools.checks.tried_workflow import Signature

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


def described(text: str) -> Signature:
    """The signature of a function whose file says this."""
    names: dict[str, Any] = {}
    exec(compile(f"{HEAD}{text}\n", "ingestion.py", "exec"), names)  # noqa: S102
    return describe(names["extract_data"], "ingestion.py")


@pytest.mark.parametrize("parameters", CASES)
def test_what_is_wrong_is_said(parameters: str) -> None:
    """Each fault is named, and nothing else."""
    signature = described(f"def extract_data{parameters}: return params")
    faults = list(_faults(signature, "params"))
    assert len(faults) == len(CASES[parameters]), faults
    for fault, part in zip(faults, CASES[parameters], strict=True):
        assert part in fault


def test_a_coroutine_is_refused() -> None:
    """A job would get something that nobody awaits."""
    signature = described("async def extract_data(params: dict) -> dict: return params")
    assert "is async" in next(iter(_faults(signature, "params")))


def test_the_last_definition_counts() -> None:
    """As in Python itself; its line is known, unless another file has it."""
    text = "def extract_data(): ...\ndef extract_data(params: dict) -> dict: ..."
    signature = described(text)
    assert signature.line == HEAD.count("\n") + 2
    assert [name for name, _, _ in signature.parameters] == ["params"]
    assert described("from json import dumps as extract_data").line == 0
