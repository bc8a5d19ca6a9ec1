"""How workflows' tests are started: pytest of this Python, if it has one."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from dataflow.shared.errors import MissingDependencyError


def pytest_command() -> list[str]:
    """The words that start pytest in a process of its own.

    Raises:
        MissingDependencyError: This Python has none.
    """
    require_pytest()
    return [sys.executable, "-m", "pytest"]


def require_pytest() -> None:
    """See that there is one.

    Raises:
        MissingDependencyError: This Python has none.
    """
    if find_spec("pytest") is None:
        raise MissingDependencyError(
            f"pytest, which runs the tests of workflows, is not installed in {sys.prefix}.",
            "pip install pytest",
        )
