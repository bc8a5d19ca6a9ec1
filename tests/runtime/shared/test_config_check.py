"""What does not fit is told by its line, its value and what is allowed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from dataflow.shared.config import read_config
from dataflow.sources.file.settings import FileSource

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dataflow.shared.project import Project

    Faults = Callable[..., list[str]]
    Write = Callable[..., Path]


def test_all_faults_are_reported_at_once_in_the_order_of_their_lines(faults: Faults) -> None:
    """Repeated keys, unset variables, unknown keys, types and cross-checks, each on its line."""
    text = """\
workflow:
  nam: "Flights"
  schedule: "61 6 * * *"
  timezone: "Europe/Berln"
ingestion:
  source:
    type: api
    url: example.org
    auth_type: basic
    headers:
      X-Team: ${TEAM}
  parameters:
    max_retries: R
    batch_sise: 5
    timeout_seconds: -1
transformation:
  stages:
    - {name: cleanin}
    - {name: cleaning, options: {remove_duplicates: yes}}
    - 5
load:
  table: "my table"
  write_disposition: upsert
  table: x
"""
    assert faults(text) == [
        "2: workflow.nam: is not a known key; did you mean `name`?",
        '3: workflow.schedule: "61 6 * * *" is out of range: the minute is `61` and may be 0 to 59',
        (
            '4: workflow.timezone: "Europe/Berln" is not a time zone that this '
            "machine knows, such as "
            "`Europe/Berlin`; did you mean `Europe/Berlin`?"
        ),
        (
            '8: ingestion.source.url: "example.org" is not a web address (allowed: http://... or '
            "https://...)"
        ),
        (
            "11: ingestion.source.headers.X-Team: the environment variable TEAM is "
            "not set; set it, or "
            "write `${TEAM:-default}`"
        ),
        '13: ingestion.parameters.max_retries: "R" is not a whole number (allowed: 0 to 20)',
        "14: ingestion.parameters.batch_sise: is not a known key; did you mean `batch_size`?",
        "15: ingestion.parameters.timeout_seconds: -1 is out of range (allowed: greater than 0)",
        (
            '18: transformation.stages[0].name: "cleanin" is not one of the choices (allowed: '
            "cleaning, enrichment); did you mean `cleaning`?"
        ),
        '19: transformation.stages[1].options.remove_duplicates: "yes" is neither true nor false',
        "20: transformation.stages[2]: 5 is not a mapping of keys to values",
        (
            '22: load.table: "my table" cannot be the name of a table (allowed: '
            "letters, digits and "
            "underscores, a letter or underscore first, 63 at most)"
        ),
        (
            '23: load.write_disposition: "upsert" is not one of the choices '
            "(allowed: replace, append, "
            "merge)"
        ),
        "24: load.table: this key stands twice, first on line 22",
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "    type: file\n",
            "",
            "6: ingestion.source.type: is missing (allowed: api, database, file)",
        ),
        (
            "type: file",
            "type: ftp",
            (
                '7: ingestion.source.type: "ftp" is not one of the choices '
                "(allowed: api, database, file)"
            ),
        ),
        (
            "type: file",
            "tpye: file",
            "7: ingestion.source.tpye: is not a known key; did you mean `type`?",
        ),
        (
            "max_retries: 5",
            "max_retries: true",
            ("10: ingestion.parameters.max_retries: true is not a whole number (allowed: 0 to 20)"),
        ),
        ("max_retries: 5", "max_retries: 5.0", "5.0 is not a whole number"),
        (
            "max_retries: 5",
            'max_retries: "5"',
            ('"5" is not a whole number (allowed: 0 to 20); leave out the quotes'),
        ),
        ("max_retries: 5", "max_retries: 21", "21 is out of range (allowed: 0 to 20)"),
        ("max_retries: 5", "max_retries:", "10: ingestion.parameters.max_retries: has no value"),
        ("max_retries: 5", "timeout_seconds: .nan", "nan is not a number"),
        ("max_retries: 5", "timeout_seconds: .inf", "inf is not a number"),
        ("max_retries: 5", "[5]: 5", "10: ingestion.parameters: a key must be a plain word"),
        ('"Flights"', "5", "2: workflow.name: 5 is not text; put it in quotes"),
        ('"Flights"', '""', '2: workflow.name: "" is empty'),
        ('"data/*.csv"', "", "8: ingestion.source.url: has no value"),
        (
            '"data/*.csv"',
            "ftp://x/y",
            ("begins with an unknown scheme (allowed: a path, http://, https://, s3://)"),
        ),
        ('"data/*.csv"', "{a: b}", "8: ingestion.source.url: a mapping is not text"),
        ("primary_key: id", "primary_key: []", "17: load.primary_key: a list is missing"),
        (
            "  primary_key: id\n",
            "",
            ("14: load.primary_key: is missing, and `write_disposition: merge` needs it"),
        ),
        ("primary_key: id", "primary_key: [a, b, a]", "names a column twice"),
        ("primary_key: id", "primary_key: [1]", "17: load.primary_key[0]: 1 is not text"),
        ("load:\n  table: flights", "load:\n  tables: flights", "did you mean `table`?"),
        ("options: {remove_duplicates: true}", "options: [a]", "a list is not a mapping"),
        ("stages:\n", "stages: no\nx:\n", '12: transformation.stages: "no" is not a list'),
    ],
)
def test_a_fault_says_where_what_and_what_is_allowed(
    old: str, new: str, expected: str, faults: Faults, good: str
) -> None:
    """One wrong place gives its line, its key path, its value and the choices."""
    assert old in good
    found = faults(good.replace(old, new))
    assert any(expected in fault for fault in found), found
    assert len(found) == 1 or "stages: no" in new, found


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "{type: database, url: x.duckdb}",
            "table: is missing; a database source needs `table` or",
        ),
        ("{type: database, url: x, table: a, query: b}", "stands beside `table`; keep one"),
        ("{type: file, url: x, format: json, delimiter: ';'}", "is of no use with `format: json`"),
        ("{type: file, url: x, delimiter: ';;;;;'}", '";;;;;" is not one character'),
        ("{type: file, url: x, sheet: a, format: csv}", "is of no use with `format: csv`"),
        ("{type: api, url: 'http://x', username: a}", "did you mean `auth_type: basic`?"),
        ("{type: api, url: 'http://x', headers: {'a b': c}}", "cannot be the name of a header"),
        ('{type: api, url: "http://x", headers: {a: "b\\r\\nc: d"}}', "that a header cannot hold"),
        ("{type: api, url: 'http://x', params: {a: {b: c}}}", "is not a single value"),
        ("{type: api, url: 'http://x', paging: {type: pages}}", "(allowed: none, page_number,"),
        ("{type: api, url: 'http://x', auth_type: oauth2}", "mean `oauth2_client_credentials`?"),
        (
            "{type: database, url: x, table: a, incremental: {column: b}}",
            "drop the rows of earlier",
        ),
        ("{type: database, url: x, table: a, scheme: b}", "did you mean `schema`?"),
    ],
)
def test_each_source_has_its_own_rules(source: str, expected: str, faults: Faults) -> None:
    """What belongs together is there, and what does not is refused."""
    text = f"workflow: {{name: a}}\ningestion:\n  source: {source}\nload: {{table: t}}\n"
    [found] = faults(text)
    assert expected in found


def test_values_come_from_the_environment(project: Project, write: Write, good: str) -> None:
    """Texts, numbers, choices and booleans can be references; defaults count."""
    text = (
        good.replace("max_retries: 5", "max_retries: ${RETRIES}")
        .replace("remove_duplicates: true", "remove_duplicates: '${DEDUPE:-true}'")
        .replace("write_disposition: merge", "write_disposition: ${HOW}")
        .replace("type: file", "type: ${KIND}")
        .replace("data/*.csv", "${DIR}/$${x}.csv")
    )
    environ = {"RETRIES": "7", "HOW": "append", "KIND": "file", "DIR": "/data"}
    config = read_config(write(text), project=project, environ=environ)
    assert config.ingestion.parameters.max_retries == 7
    assert config.load.write_disposition == "append"
    source = config.ingestion.source
    assert isinstance(source, FileSource)
    assert source.url == "/data/${x}.csv"
    assert type(source.url) is str


@pytest.mark.parametrize("name", ["RETRIES", "HOW", "KIND"])
def test_a_wrong_value_from_the_environment_is_not_shown(
    name: str, faults: Faults, good: str
) -> None:
    """The error names the variable, never what it holds."""
    text = (
        good.replace("max_retries: 5", "max_retries: ${RETRIES}")
        .replace("write_disposition: merge", "write_disposition: ${HOW}")
        .replace("type: file", "type: ${KIND}")
    )
    environ = {"RETRIES": "7", "HOW": "append", "KIND": "file", name: "private-words"}
    [found] = faults(text, environ)
    assert "private" not in found
    assert f"the value of ${{{name}}} is not" in found


def test_an_unset_variable_is_one_fault(faults: Faults, good: str) -> None:
    """A value that is not there is not also complained about for its type."""
    text = good.replace("max_retries: 5", "max_retries: ${NOPE}").replace("merge", "${NOPE}")
    assert [fault.split(": ")[1:3] for fault in faults(text)] == [
        [
            "ingestion.parameters.max_retries",
            ("the environment variable NOPE is not set; set it, or write `${NOPE:-default}`"),
        ],
        [
            "load.write_disposition",
            ("the environment variable NOPE is not set; set it, or write `${NOPE:-default}`"),
        ],
    ]


def test_the_error_is_short_enough_to_read(faults: Faults, good: str) -> None:
    """Long values and keys are cut, and one that cannot be printed is escaped."""
    text = good.replace("max_retries: 5", f'max_retries: "{"x" * 5000}\\u001b[31m"')
    [found] = faults(text)
    assert len(found) < 200
    text = good.replace("max_retries", '"max_\\u001b[31m' + "x" * 500 + '"')
    [found] = faults(text)
    assert "\x1b" not in found
    assert len(found) < 250


@pytest.mark.parametrize("key", ["schedule", "timezone"])
def test_a_schedule_from_the_environment_is_not_quoted(faults: Faults, good: str, key: str) -> None:
    """The random search found it: a reason that names the field with what stands in it."""
    text = re.sub(f"{key}: .*", f"{key}: ${{ROOM}}0", good)
    (fault,) = faults(text, {"ROOM": "from-outside"})
    assert "from-outside" not in fault
    assert f"workflow.{key}: the value of ${{ROOM}} is not a" in fault
