"""Answers stay text in every file that is rendered from them, whatever they look like."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

import duckdb
import jinja2
import pytest
import yaml
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from tests.hostile.template_parts import refusal, template_file

from dataflow.shared.environment import resolve
from dataflow.shared.yaml_document import parse_yaml
from dataflow.sources.column_names import sql_identifiers

pytestmark = pytest.mark.slow

SNIPPETS = st.sampled_from(
    [
        *(
            "{{ 7 * 7 }}",
            "{% raw %}",
            "{% endraw %}",
            "{#",
            "#}",
            "{{",
            "}}",
            "{",
            "}",
            "{{{",
            "{%",
        ),
        *("${HOME}", "$${HOME}", "$", "%", "\\", "\\n", "\\u0041", "\\x41", '"', "'", "''", '"""'),
        *(": ", " #", "- ", "&a", "*a", "!!python/object", "|", ">", "---", "...", "yes", "null"),
        *(
            "<script>alert(1)</script>",
            "{@html '<b>'}",
            "{#if true}",
            "</style>",
            "`",
            "```",
            "[x](y)",
        ),
        *(
            "'; drop table x; --",
            "/* */",
            "env_var('HOME')",
            "=cmd|' /C calc'!A0",
            "\t",
            "ü",
            "🎉",
            "",
        ),
    ]
)
texts = st.lists(SNIPPETS | st.text(max_size=5), min_size=1, max_size=6).map("".join)


def taken(question: str, **answers: Any) -> None:
    """Go on only with what the template takes."""
    assume(not refusal(question, answers))


BASE = {
    "workflow_id": "sales",
    "title": "Sales",
    "description": "All sales.",
    "schedule": "",
    "timezone": "UTC",
    "source_type": "file",
    "source_url": "rows.csv",
    "null_values": [""],
    "table": "sales",
    "write_disposition": "replace",
    "primary_key": [],
    "columns": [],
    "confirmed": [],
    "more_tables": [],
    "source_settings": {},
    "adds_timestamp": True,
    "use_dbt": True,
    "use_evidence": True,
}


def with_columns(columns: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Answers with these columns, as the files of one table get them."""
    each = {"table": "sales", "columns": columns, "sample": "sample"}
    return {**BASE, "columns": columns, "each": each, **more}


RESERVED = {
    word
    for (word,) in duckdb.sql(
        "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category = 'reserved'"
    ).fetchall()
}
CONFIG = template_file("config.yaml.jinja")
JOB = template_file("dagster_job.py.jinja")
PAGE = template_file("index.md.jinja")
SAMPLE = template_file(".json.jinja")
STAGING_SQL = template_file("stg_{{ each.table }}{% endyield %}.sql.jinja")
DESCRIBED = [template_file("_staging.yml{% endif %}.jinja"), template_file("_marts.yml.jinja")]


@settings(max_examples=400)
@given(texts, texts, st.lists(texts, max_size=3), texts)
@example("a\x00", 'b"b"\x00', [], "x")
def test_config_yaml_says_what_was_answered(
    title: str, description: str, listed: list[str], path: str
) -> None:
    """No answer becomes another key, a reference to the environment or another value."""
    taken("title", title=title)
    taken("description", description=description)
    taken("null_values", null_values=listed)
    taken("data_path", data_path=path)
    answers = {**BASE, "title": title, "description": description, "null_values": listed}
    values = config({**answers, "primary_key": listed})
    assert values["workflow"]["name"] == title.strip()
    assert values["workflow"]["description"] == description.strip()
    assert values["ingestion"]["source"]["null_values"] == listed
    assert values["load"]["primary_key"] == listed
    api = config({**answers, "source_type": "api", "auth_type": "none", "data_path": path})
    assert api["ingestion"]["source"]["data_path"] == (path or None)


def config(answers: dict[str, Any]) -> dict[str, Any]:
    """A rendered config.yaml, as the library reads it in an environment without variables."""
    document = parse_yaml(CONFIG.render(**answers).encode())
    assert document.faults == []
    values, faults = resolve(document.values, {})
    assert faults == []
    assert list(values) == ["workflow", "ingestion", "transformation", "load"]
    return dict(values)


@settings(max_examples=400)
@given(texts)
@example('it\'s "so" "\\\x01')
@example('""\\')
def test_the_job_is_code_with_one_text_in_it(description: str) -> None:
    """The description is a string literal that says what was answered, and nothing else."""
    taken("description", description=description)
    tree = ast.parse(JOB.render(**{**BASE, "description": description}))
    usual = ast.parse(JOB.render(**BASE))
    [found] = [
        keyword.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "description"
    ]
    assert ast.literal_eval(found) == description.strip()
    assert shape(tree) == shape(usual)


def shape(tree: ast.AST) -> list[str]:
    return [type(node).__name__ for node in ast.walk(tree)]


@settings(max_examples=300)
@given(texts, texts)
def test_the_page_begins_with_what_was_answered(title: str, description: str) -> None:
    """Title and description are data of the page: none of it reaches the markdown."""
    taken("title", title=title)
    taken("description", description=description)
    page = PAGE.render(**{**BASE, "title": title, "description": description})
    _, matter, body = page.split("---\n", 2) if page.startswith("---\n") else ("", "", page)
    assert yaml.safe_load(matter) == {"title": title.strip(), "description": description.strip()}
    # Evidence would take either for what it is not.
    assert "<" not in matter
    assert "---" not in matter
    assert body == PAGE.render(**BASE).split("---\n", 2)[2]


def columns_of(names: list[str], values: list[str]) -> list[dict[str, Any]]:
    """Columns as looking at data gives them."""
    described = zip(names, sql_identifiers(names, RESERVED), strict=True)
    return [
        {"name": name, "identifier": identifier, "type": "VARCHAR", "role": "text", "tests": []}
        | {"accepted_values": values, "description": f"What {name} is."}
        for name, identifier in described
    ]


names_of_columns = st.lists(texts, min_size=1, max_size=3, unique_by=lambda name: name.lower())


@settings(max_examples=300)
@given(names_of_columns, st.lists(texts, max_size=4))
@example(["yes", "no", "on", "off", "null", "true"], [])
@example(["{{ env_var('HOME') }}"], ["{{ 7 * 7 }}", "{% set a %}", "{# a #}", "it's", "{{{%{#"])
def test_what_dbt_reads_of_columns_is_text(names: list[str], values: list[str]) -> None:
    """Descriptions and values, which dbt renders once more, come out as they were answered."""
    columns = columns_of(names, values)
    taken("columns", columns=columns)
    for template in DESCRIBED:
        document = yaml.safe_load(template.render(**with_columns(columns)))
        [model] = document["models"]
        for name, identifier, column in zip(
            names, [c["identifier"] for c in columns], model["columns"], strict=False
        ):
            assert column["name"] == identifier
            assert by_dbt(column["description"]) == f"What {name} is."
            for test in column.get("data_tests", []):
                written = test["accepted_values"]["arguments"]["values"]
                # It stands between single quotes in SQL then.
                assert [by_dbt(value).replace("''", "'") for value in written] == values


def by_dbt(text: str) -> str:
    if not re.search(r"\{[{%#]", text):
        return text
    environment = jinja2.Environment(keep_trailing_newline=True)  # noqa: S701 - as dbt has it
    return environment.from_string(text).render()


@settings(max_examples=120)
@given(names_of_columns)
@example(['a"b', "{{ this }}", "x'; drop table t; --", "y" * 300, "two\nlines"])
def test_the_staging_model_reads_the_very_columns(names: list[str]) -> None:
    """Whatever a column is called, the model is one SELECT that finds it."""
    names = list(dict.fromkeys(name.strip() for name in names if name.strip()))
    columns = columns_of(names, [])
    assume(columns)
    taken("columns", columns=columns)
    assume(len({name.lower() for name in names}) == len(names))
    rendered = STAGING_SQL.render(**with_columns(columns))
    environment = jinja2.Environment()  # noqa: S701 - it is SQL
    # As the macros of `dialects.sql` do for DuckDB.
    query = environment.from_string(rendered).render(
        source=lambda *_: "given",
        native_type=str,
        and_other_columns=lambda columns: f", * exclude ({', '.join(columns)})",
    )
    quoted = ", ".join(
        '{} as "{}"'.format(f"'{i}'", n.replace('"', '""')) for i, n in enumerate(names)
    )
    with duckdb.connect() as connection:
        connection.execute(f"create view given as select {quoted}, 1 as processed_at")
        assert len(connection.extract_statements(query)) == 1
        found = connection.sql(query)
        assert found.columns == [*(column["identifier"] for column in columns), "processed_at"]
        assert found.fetchone() == (*map(str, range(len(names))), 1)
        assert connection.sql(
            "select count(*) from duckdb_views() where not internal"
        ).fetchone() == (1,)


@settings(max_examples=150)
@given(names_of_columns, st.lists(texts, min_size=1, max_size=4))
def test_the_sample_is_json_with_these_names_and_values(
    names: list[str], values: list[str]
) -> None:
    """Six records whose keys and values are those that were answered."""
    columns = columns_of(names, values)
    taken("columns", columns=columns)
    records = json.loads(SAMPLE.render(**with_columns(columns)))
    assert len(records) == 6
    for row, record in enumerate(records):
        assert record == dict.fromkeys(names, values[row % len(values)])


@pytest.mark.parametrize(
    ("url", "refused"),
    [
        ("postgresql://me:pa55word@db.test/shop", True),
        ("https://me:pa55word@shop.test/rows.csv", True),
        ("https://:pa55word@shop.test/rows.csv", True),
        ("postgresql://me:${SHOP_PASSWORD}@db.test/shop", False),
        ("postgresql://me@db.test:5432/shop", False),
        ("https://shop.test:8080/a@b:c", False),
        ("data/in/a:b@c.csv", False),
    ],
)
def test_a_password_in_an_answer_is_refused_before_it_is_in_a_file(url: str, refused: bool) -> None:
    """Config.yaml and the answers file are in git; a variable's name may be, a password not."""
    said = refusal("source_url", {"source_url": url})
    assert bool(said) is refused
    assert "pa55word" not in said


SOURCES = ["_daily.sql{% endif %}.jinja", "_groups.sql{% endif %}.jinja"]
SOURCES += ["_latest.sql{% endif %}.jinja", "_columns.sql.jinja"]
QUERIES = [template_file(name) for name in SOURCES]


@settings(max_examples=40)
@given(st.lists(texts, min_size=3, max_size=3, unique_by=lambda name: name.strip().lower()))
@example(['d"; drop table raw.sales; --', "{{ c }}", "it's"])
def test_the_dashboards_queries_read_the_very_columns(given_names: list[str]) -> None:
    """Without dbt they name the source's own columns: each is one SELECT that finds them."""
    names = [name.strip() for name in given_names]
    assume(all(names) and "processed_at" not in map(str.lower, names))
    columns = columns_of(names, [])
    for column, role in zip(columns, ("date", "category", "measure"), strict=True):
        column["role"] = role
    taken("columns", columns=columns)
    quoted = [name.replace('"', '""') for name in names]
    with duckdb.connect() as connection:
        connection.execute(
            f"create schema raw; create table raw.sales as select date '2024-01-01' as "
            f'"{quoted[0]}", \'x\' as "{quoted[1]}", 2 as "{quoted[2]}"'
        )
        for template in QUERIES:
            query = template.render(**with_columns(columns, use_dbt=False))
            assert len(connection.extract_statements(query)) == 1
            assert len(connection.execute(query).fetchall()) in (1, 3)
        left = connection.execute("select table_name from duckdb_tables()").fetchall()
    assert left == [("sales",)]


@settings(max_examples=300)
@given(texts, texts)
def test_identifiers_and_types_of_columns_are_no_sql(identifier: str, kind: str) -> None:
    """What stands in SQL without quotes is refused unless it is a plain name and type."""
    column = {"name": "a", "identifier": identifier, "type": kind, "role": "text", "tests": []}
    if refusal("columns", {"columns": [column]}):
        return
    assert re.fullmatch(r"[a-z_][a-z0-9_]*", identifier)
    assert not re.search(r"[;'{}\\\\$%`\n-]", kind)
