"""What a process writes without asking us has no secrets in it."""

from __future__ import annotations

import logging
import subprocess
import sys
from io import StringIO

import pytest

from dataflow.shared.output_redaction import guard_output, register_environment
from dataflow.shared.redaction import redact

SECRET = "of-the-Secrecy-test"  # noqa: S105


@pytest.fixture(autouse=True)
def _guarded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_PASSWORD", SECRET)
    guard_output()


def logged(*arguments: object, **options: object) -> str:
    """What a handler of somebody else's writes of a record."""
    stream = StringIO()
    logger = logging.Logger("of.a.library")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    logger.addHandler(handler)
    logger.error(*arguments, **options)  # type: ignore[arg-type]
    return stream.getvalue()


def test_the_records_of_other_libraries_are_redacted() -> None:
    """In the message, in its arguments and in the traceback."""
    assert logged(f"with {SECRET}") == "ERROR with ***\n"
    assert logged("with %s and %d", SECRET, 5) == "ERROR with *** and 5\n"
    try:
        raise KeyError(SECRET)
    except KeyError:
        text = logged("failed", exc_info=True)
    assert SECRET not in text
    assert "KeyError: '***'" in text
    assert "test_output_redaction.py" in text


def test_innocent_records_stay_as_they_are() -> None:
    """Arguments and exceptions are left to the handler, wrong ones too."""
    assert logged("%d rows", 5) == "ERROR 5 rows\n"
    try:
        raise KeyError("innocent")
    except KeyError:
        assert "KeyError: 'innocent'" in logged("failed", exc_info=True)
    record = logging.getLogRecordFactory()("n", 40, "p", 1, "%d", ("no number",), None)
    assert record.args == ("no number",)


def test_an_exception_that_nobody_catches_is_redacted() -> None:
    """The interpreter's own last words have its place, but no secret."""
    code = (
        "import os; from dataflow.shared.output_redaction import guard_output; guard_output()\n"
        "raise ValueError('with ' + os.environ['SOME_PASSWORD'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback (most recent call last):")
    assert done.stderr.endswith("ValueError: with ***\n")


@pytest.mark.parametrize(
    ("name", "value", "masked"),
    [
        ("SHOP_TOKEN", "k1-long-enough", True),
        ("GITHUB_TOKEN", "/begins+like/a/path", True),
        ("SHOP_TOKEN", "short", False),
        ("PWD", "/nowhere/at/all", False),
        ("SHOP_TOKEN_FILE", "a-file-name", False),
        ("SSL_PRIVATE_KEY", __file__, False),
        ("SHOP_NAME", "a-long-enough-name", False),
    ],
)
def test_variables_are_told_by_their_names(name: str, value: str, masked: bool) -> None:
    """What is called like a secret is one, unless it is a file, or too short to be told apart."""
    register_environment({name: value})
    assert (redact(f"<{value}>") == "<***>") is masked
