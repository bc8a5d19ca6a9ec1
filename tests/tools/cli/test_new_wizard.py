"""`dataflow workflow new` without a name: the questions, at a real terminal."""

from __future__ import annotations

import os
import pty
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from tests.conftest import BIN, Dataflow

Person = Callable[..., tuple[int, str]]
ROWS = "order_id,day,country,amount\n" + "".join(
    f"{n},2026-01-{n % 28 + 1:02},{'DE' if n % 2 else 'FR'},{n}.5\n" for n in range(1, 40)
)


@pytest.fixture
def person(project_folder: Path) -> Person:
    """Somebody who types these lines at a terminal; the exit code, and what was shown."""
    (project_folder / "orders.csv").write_text(ROWS)

    def type_lines(*lines: str) -> tuple[int, str]:
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [BIN / "dataflow", "workflow", "new"],
            cwd=project_folder,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "NO_COLOR": "1"},
        )
        os.close(theirs)
        os.write(ours, "".join(f"{line}\n" for line in lines).encode())
        shown = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:
                break
            if not part:
                break
            shown += part
        os.close(ours)
        text = re.sub(r"\x1b\[[0-9;]*m", "", shown.decode()).replace("\r\n", "\n")
        return process.wait(60), text

    return type_lines


def config(project_folder: Path, name: str) -> str:
    return (project_folder / "src/dataflow/workflows" / name / "config.yaml").read_text()


@pytest.mark.slow
def test_enter_takes_what_was_found(person: Person, project_folder: Path) -> None:
    """The data's own name, key and types; the schedule and the parts of the template."""
    code, shown = person("orders.csv", *[""] * 8)
    assert code == 0, shown
    assert "39 rows, 4 columns; key: order_id" in shown
    assert "Made the workflow orders" in shown
    assert 'primary_key: ["order_id"]' in config(project_folder, "orders")


@pytest.mark.slow
def test_the_command_that_it_shows_makes_the_same(
    person: Person, project_folder: Path, dataflow: Dataflow
) -> None:
    """Every answer is also a flag."""
    answers = ("orders.csv", "sales", "order_id, day", "merge", "0 7 * * 1", "Europe/Berlin")
    code, shown = person(*answers, "yes", "no", "yes")
    assert code == 0, shown
    by_person = config(project_folder, "sales")
    workflow = yaml.safe_load(by_person)["workflow"]
    assert (workflow["schedule"], workflow["timezone"]) == ("0 7 * * 1", "Europe/Berlin")
    assert not (project_folder / "src/dataflow/workflows/sales/evidence").exists()
    command = re.search(r"^  (dataflow workflow new sales .*)$", shown, re.MULTILINE)
    assert command is not None
    words = [word if word != "sales" else "again" for word in shlex.split(command[1])[1:]]
    made = dataflow(*words, cwd=project_folder)
    assert made.returncode == 0, made.stderr
    again = config(project_folder, "again")
    assert again.replace("again", "sales").replace("Again", "Sales") == by_person


@pytest.mark.slow
def test_tables_of_other_workflows_are_offered(
    person: Person, project_folder: Path, dataflow: Dataflow
) -> None:
    """Where there are some: SQL only, in the order of its command; a wrong name is told."""
    made = dataflow("workflow", "new", "orders", "--source", "orders.csv", cwd=project_folder)
    assert made.returncode == 0, made.stderr
    code, shown = person("after oders", "", "after orders", "", *[""] * 4)
    assert code == 0, shown
    assert "or after orders for tables of other workflows" in shown
    assert "oders is no workflow" in shown.replace("'", "")
    assert "runs      after each run of those" in shown
    assert "dataflow workflow new report --after orders --defaults" in shown
    folder = project_folder / "src/dataflow/workflows/report"
    assert not (folder / "ingestion.py").exists()
    assert yaml.safe_load(config(project_folder, "report"))["workflow"]["after"] == ["orders"]


@pytest.mark.slow
def test_wrong_answers_are_told_and_asked_again(person: Person, project_folder: Path) -> None:
    """No file, a reserved name, no such column and no such time: each says why, nothing is lost."""
    code, shown = person(
        *("ordres.csv", "", "orders.csv", "class", "sales", "order", "order_id", "maybe"),
        *("append", "61 * * * *", "-", "Berlin", "UTC", "", "", ""),
    )
    assert code == 0, shown
    for told in ("ordres.csv", "keyword of Python", "no column 'order'", "none of them", "61"):
        assert told in shown
    assert "Traceback" not in shown
    assert yaml.safe_load(config(project_folder, "sales"))["load"]["write_disposition"] == "append"


@pytest.mark.slow
def test_one_can_go_back_and_leave(person: Person, project_folder: Path) -> None:
    """`<` asks the question before once more; no at the end makes nothing."""
    code, shown = person("orders.csv", "", "", "append", "<", "replace", *[""] * 4, "no")
    assert code != 0
    assert shown.count("What happens to rows") == 2
    assert "new rows  replace" in shown
    assert not (project_folder / "src/dataflow/workflows/orders").exists()


@pytest.mark.slow
def test_enter_keeps_what_was_answered_and_takes_what_is_free(
    person: Person, project_folder: Path
) -> None:
    """Back and forth loses nothing; other data have a name of their own, in quotes or not."""
    (project_folder / "src/dataflow/workflows/orders").mkdir()
    answers = ("ordres.csv", "", "'orders.csv'", "", "", "", "0 7 * * 1", "Europe/Berlin", "", "no")
    code, shown = person(*answers, "<", "<", *[""] * 5)
    assert code == 0, shown
    assert "What is it called [orders_2]:" in shown
    workflow = yaml.safe_load(config(project_folder, "orders_2"))["workflow"]
    assert (workflow["schedule"], workflow["timezone"]) == ("0 7 * * 1", "Europe/Berlin")
    assert not (project_folder / "src/dataflow/workflows/orders_2/evidence").exists()


@pytest.mark.slow
def test_without_a_terminal_nothing_is_asked(project_folder: Path, dataflow: Dataflow) -> None:
    """A script that forgets the name is told so."""
    done = dataflow("workflow", "new", cwd=project_folder)
    assert done.returncode == 2
    assert "Missing argument 'NAME'" in done.stderr
