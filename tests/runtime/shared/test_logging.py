"""Log lines: on standard error, in Dagster's event log, and without secrets in either."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

TIME = r"\d\d:\d\d:\d\d"


def run(code: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a program of its own, since logging is set up once per process."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("DATAFLOW_")}
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**kept, **environ},
        capture_output=True,
        text=True,
        check=True,
    )


def lines(code: str, **environ: str) -> list[str]:
    """What a program that logs writes to standard error, without the times."""
    start = "from dataflow.shared.logging import get_logger, bind_run, configure_logging\n"
    done = run(start + textwrap.dedent(code), **environ)
    assert done.stdout == ""
    return [re.sub(rf"^{TIME} ", "", line) for line in done.stderr.splitlines()]


def test_a_line_is_readable_and_has_its_fields() -> None:
    """Level, message, fields; positional arguments, blanks and a percent sign are no trouble."""
    code = """
        log = get_logger("dataflow.workflows.flights.ingestion")
        log.info("loaded", rows=12, table="raw.x", seconds=1.23456789, note="a b", empty="")
        log.warning("took %s of %d", "all", 3)
        log.error("100% sure")
        log.bind(part=1).info("bound")
        log.debug("not shown")
    """
    assert lines(code) == [
        "info     loaded rows=12 table=raw.x seconds=1.23457 note='a b' empty=''",
        "warning  took all of 3",
        "error    100% sure",
        "info     bound part=1",
    ]


def test_importing_and_asking_for_a_logger_sets_nothing_up() -> None:
    """Before the first line the standard library's loggers are as they were."""
    code = """
        import logging
        log = get_logger(__name__)
        for name in (None, "dataflow", "dataflow.__main__"):
            assert not logging.getLogger(name).handlers, name
            assert logging.getLogger(name).propagate
        log.info("first")
        log.info("second")
        configure_logging()
        assert len(logging.getLogger("dataflow").handlers) == 1
        assert not logging.getLogger().handlers
    """
    assert lines(code) == ["info     first", "info     second"]


def test_a_line_is_written_once_whatever_else_logs() -> None:
    """A root handler, as `logging.info` installs one, does not repeat the lines."""
    code = """
        import logging, io
        stream = io.StringIO()
        logging.basicConfig(stream=stream)
        get_logger("x").info("once")
        assert stream.getvalue() == ""
    """
    assert lines(code) == ["info     once"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("level", "shown"),
    [("debug", ["d", "i", "w"]), ("INFO", ["i", "w"]), ("warning", ["w"]), ("critical", [])],
)
def test_the_level_is_chosen_by_a_variable(level: str, shown: list[str]) -> None:
    """`DATAFLOW_LOG_LEVEL` is the least level that is written, also when Dagster sets its own."""
    code = """
        import logging
        log = get_logger("x")
        logging.getLogger("dataflow").setLevel(logging.INFO)
        log.debug("d"); log.info("i"); log.warning("w")
    """
    assert [line.split()[-1] for line in lines(code, DATAFLOW_LOG_LEVEL=level)] == shown


def test_a_wrong_choice_is_said_once_and_stops_nothing() -> None:
    """An unknown level in the environment is one warning; asked for by a program, it is refused."""
    code = """
        from dataflow.shared.errors import BadInputError
        get_logger("x").info("one")
        get_logger("y").info("two")
        try: configure_logging(level="loud")
        except BadInputError as error: assert "Use one of: debug, info" in str(error)
        else: raise SystemExit(1)
    """
    assert lines(code, DATAFLOW_LOG_LEVEL="loud") == [
        "warning  DATAFLOW_LOG_LEVEL is 'loud'. Use one of: debug, info, warning, error, critical.",
        "info     one",
        "info     two",
    ]


def test_json_lines_are_for_machines() -> None:
    """`DATAFLOW_LOG_FORMAT=json` gives one object per line, with time, level, logger and fields."""
    code = """
        from pathlib import Path
        with bind_run("flights", "run-1"):
            get_logger("other.module").info("löaded", rows=12, path=Path("x"), level="mine")
        try: 1 / 0
        except ZeroDivisionError: get_logger("other.module").exception("failed")
    """
    first, second = map(json.loads, lines(code, DATAFLOW_LOG_FORMAT="json"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first.pop("timestamp"))
    assert first == {
        "level": "info",
        "logger": "dataflow.other.module",
        "event": "löaded",
        "rows": 12,
        "path": "x",
        "level_": "mine",
        "workflow": "flights",
        "run_id": "run-1",
    }
    assert second["exception"].endswith("ZeroDivisionError: division by zero")


def test_the_run_is_bound_while_it_lasts() -> None:
    """Lines inside `bind_run` say which workflow and run they belong to; lines outside do not."""
    code = """
        log = get_logger("x")
        with bind_run("flights", "3f2a91c0-1111-2222"):
            log.info("inside")
        log.info("outside")
    """
    assert lines(code) == ["info     inside [flights 3f2a91c0]", "info     outside"]


SECRETS = """
    import logging
    from dataflow.shared.redaction import register_secret
    register_secret("hunter2-planted")
    log = get_logger("x")
    log.info("got hunter2-planted", url="https://me:hunter2@db/x", n=["hunter2-planted"])
    log.info("got", token="hunter2", deep={"headers": {"Authorization": "hunter2"}})
    try: raise ValueError("with hunter2-planted")
    except ValueError: log.exception("failed")
    try: raise ValueError("with hunter2-planted")
    except ValueError: log.error("failed", exc_info=True)
    logging.getLogger("dataflow.plain").warning("by %s", "hunter2-planted")
    logging.getLogger("dataflow.plain").warning("by %d", "hunter2-planted")
    try: raise ValueError("with hunter2-planted")
    except ValueError: logging.getLogger("dataflow.plain").exception("failed")
"""


@pytest.mark.parametrize("log_format", ["terminal", "json"])
def test_no_secret_is_written(log_format: str) -> None:
    """Messages, fields, tracebacks and lines logged past `get_logger` are all redacted."""
    written = "\n".join(lines(SECRETS, DATAFLOW_LOG_FORMAT=log_format))
    assert "hunter2" not in written
    assert written.count("ValueError: with ***") == 3
    assert "by ***" in written


@pytest.mark.slow
def test_data_cannot_forge_lines_or_move_the_cursor() -> None:
    """Control characters in messages and fields are written as their escapes."""
    code = r"""
        get_logger("x").info("a\x1b[2J\rb", field="c\nd", other="\u202e")
    """
    assert lines(code) == [r"info     a\x1b[2J\rb field='c\nd' other='\u202e'"]


@pytest.mark.slow
@pytest.mark.parametrize(("environ", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colour_is_for_terminals(environ: dict[str, str], coloured: bool) -> None:
    """A terminal gets colours unless NO_COLOR is set; nothing else ever does."""
    ours, theirs = pty.openpty()
    code = "from dataflow.shared.logging import get_logger; get_logger('x').warning('hello')"
    kept = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    env = {**kept, "TERM": "xterm", **environ}
    subprocess.run([sys.executable, "-c", code], stderr=theirs, env=env, check=True)
    os.close(theirs)
    written = os.read(ours, 1000).decode()
    os.close(ours)
    assert "hello" in written
    assert ("\x1b[33m" in written) is coloured


@pytest.mark.slow
def test_a_closed_or_absent_terminal_stops_nothing() -> None:
    """A program whose standard error is gone goes on."""
    code = """
        import sys
        log = get_logger("x")
        sys.stderr.close(); log.info("lost")
        sys.stderr = None; log.info("lost")
        sys.stderr = sys.__stderr__ = open("/dev/full", "w"); log.info("lost")
        sys.stderr = None
    """
    assert lines(code) == []


JOB = """
import logging, os, sys, threading
from pathlib import Path
home = Path(os.environ["DAGSTER_HOME"])
(home / "dagster.yaml").write_text(
    "telemetry: {enabled: false}\\n"
    "python_logs: {managed_python_loggers: [dataflow], python_log_level: INFO}\\n"
)
from dataflow.shared.logging import get_logger
from dataflow.shared.redaction import register_secret
log = get_logger("dataflow.workflows.flights.ingestion")
from dagster import DagsterInstance, job, op
register_secret("hunter2-planted")

@op
def extract():
    log.info("loaded", rows=12, table="raw.x", note="hunter2-planted")
    log.debug("not shown")
    get_logger("elsewhere").warning("from elsewhere")
    logging.getLogger("dataflow.plain").warning("plain %s", "hunter2-planted")
    try: raise ValueError("with hunter2-planted")
    except ValueError: log.exception("failed")
    try: raise ValueError("with hunter2-planted")
    except ValueError: logging.getLogger("dataflow.plain").exception("plain failed")
    return 1

@op
def load(rows):
    log.info("second step")

@job(tags=TAGS)
def flights_job():
    load(extract())

quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
with DagsterInstance.get() as instance:
    result = flights_job.execute_in_process(instance=instance, run_config=quiet)
    for entry in instance.all_logs(result.run_id):
        if entry.dagster_event is None:
            print(repr([entry.level, entry.step_key, entry.user_message]))
    print(result.run_id)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tags", "workflow"),
    [('{"dataflow/workflow": "flights"}', "flights"), ("{}", "flights_job")],
)
def test_the_same_lines_are_in_dagsters_log(tmp_path: Path, tags: str, workflow: str) -> None:
    """A plain job's lines are in the run's event log, by step and redacted, and once on stderr."""
    done = run(JOB.replace("TAGS", tags), DAGSTER_HOME=str(tmp_path))
    *entries, run_id = done.stdout.splitlines()
    logged: list[list[Any]] = [eval(entry) for entry in entries]  # noqa: S307 - our own repr
    said = [(level, step, message.split("\n")[0]) for level, step, message in logged]
    assert said == [
        (20, "extract", "loaded rows=12 table=raw.x note=***"),
        (30, "extract", "from elsewhere"),
        (30, "extract", "plain ***"),
        (40, "extract", "failed"),
        (40, "extract", "plain failed"),
        (20, "load", "second step"),
    ]
    assert [m.endswith("ValueError: with ***") for _, _, m in logged[3:5]] == [True, True]
    assert "hunter2" not in done.stdout
    on_terminal = [line for line in done.stderr.splitlines() if re.match(TIME, line)]
    where = f" [{workflow} {run_id[:8]}]"
    assert [re.sub(rf"^{TIME} \w+ +", "", line) for line in on_terminal] == [
        message + where for _, _, message in said
    ]
    assert "hunter2" not in done.stderr
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"hunter2" not in stored


@pytest.mark.slow
def test_dagsters_own_console_shows_no_secret(tmp_path: Path) -> None:
    """Where Dagster prints the lines as well, it gets them, and their tracebacks, redacted."""
    code = JOB.replace("TAGS", "{}").replace("CRITICAL", "DEBUG")
    done = run(code, DAGSTER_HOME=str(tmp_path))
    assert " - extract - loaded rows=12 table=raw.x note=***" in done.stderr
    assert "ValueError: with ***" in done.stderr
    assert "hunter2" not in done.stderr


@pytest.mark.slow
def test_debug_lines_reach_dagster_too_when_asked_for(tmp_path: Path) -> None:
    """`DATAFLOW_LOG_LEVEL=debug` beats Dagster's own level; `error` hides nothing from Dagster."""
    code = JOB.replace("TAGS", "{}")
    done = run(code, DAGSTER_HOME=str(tmp_path), DATAFLOW_LOG_LEVEL="debug")
    assert "not shown" in done.stdout
    assert "not shown" in done.stderr
    done = run(code, DAGSTER_HOME=str(tmp_path), DATAFLOW_LOG_LEVEL="error")
    assert "second step" in done.stdout
    assert "second step" not in done.stderr


@pytest.mark.slow
def test_importing_logging_imports_nothing_heavy() -> None:
    """A fresh process that logs has neither Dagster nor pandas nor pyarrow."""
    code = """
        import sys
        get_logger("x").info("hello")
        heavy = {"dagster", "pandas", "pyarrow", "duckdb"} & set(sys.modules)
        assert not heavy, heavy
    """
    assert lines(code) == ["info     hello"]
