"""The ways in which the tests break a workflow, one for each thing that a check has to find."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.tools.checks.conftest import BARE

API = {"source_type": "api", "source_url": "https://api.test/v1/trips"}
NO_DBT = {"use_dbt": False, "use_assets": False}


@dataclasses.dataclass(frozen=True)
class Breakage:
    """One way to break a workflow, and what the check has to say about it."""

    point: str
    file: str
    edit: Callable[[Path], None]
    said: str = ""
    answers: dict[str, Any] = dataclasses.field(default_factory=lambda: BARE)
    also: frozenset[str] = frozenset()


def replace(file: str, old: str, new: str) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        path = folder / file
        text = path.read_text()
        assert old in text, f"{old!r} is not in {file}"
        path.write_text(text.replace(old, new))

    return edit


def append(file: str, text: str) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        with (folder / file).open("a") as stream:
            stream.write(text)

    return edit


def write(file: str, text: str) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        (folder / file).write_text(text)

    return edit


def remove_lines(file: str, beginning: str) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        lines = (folder / file).read_text().splitlines(keepends=True)
        kept = [line for line in lines if not line.strip().startswith(beginning)]
        assert len(kept) < len(lines)
        (folder / file).write_text("".join(kept))

    return edit


def remove(file: str) -> Callable[[Path], None]:
    return lambda folder: (folder / file).unlink()


def remove_readme_section(heading: str) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        before, _, after = (folder / "README.md").read_text().partition(f"## {heading}\n")
        assert after
        (folder / "README.md").write_text(f"{before}## {after.partition('## ')[2]}")

    return edit


HINTS = "(data: dict[str, Any]) -> dict[str, Any]"
# GitHub's own example of a token's form, put together so that no scanner finds it here.
TOKEN = "_".join(("ghp", "16C7e42F292c6912E7710c838347Ae178B4a"))

BREAKAGES = {
    "no_source": Breakage(
        "source",
        "config.yaml",
        remove_lines("config.yaml", "url:"),
        "does not say its url",
        also=frozenset({"config"}),
    ),
    "undocumented": Breakage(
        "credentials",
        "config.yaml",
        replace("config.yaml", "batch_size: 10000", "batch_size: ${SOME_BATCH:-10000}"),
        "SOME_BATCH is not documented",
    ),
    "unset": Breakage(
        "credentials",
        "config.yaml",
        lambda _: None,
        "UNSET_TOKEN is not set",
        {**BARE, **API, "auth_type": "bearer_token"},
    ),
    "no_disposition": Breakage(
        "write", "config.yaml", replace("config.yaml", "  write_disposition: replace\n", "")
    ),
    "merge_without_key": Breakage(
        "write",
        "config.yaml",
        replace(
            "config.yaml",
            'write_disposition: replace\n  primary_key: ["id"]',
            "write_disposition: merge\n  primary_key: []",
        ),
        "no load.primary_key",
        also=frozenset({"config"}),
    ),
    "no_retries": Breakage(
        "errors", "config.yaml", replace("config.yaml", "    max_retries: 3\n", ""), "max_retries"
    ),
    "zero_retries": Breakage(
        "errors",
        "config.yaml",
        replace("config.yaml", "max_retries: 3", "max_retries: 0"),
        "is 0",
        {**BARE, **API},
    ),
    "no_init": Breakage("folder", "__init__.py", remove("__init__.py")),
    "dbt_is_a_package": Breakage(
        "folder",
        "dbt/__init__.py",
        append("dbt/__init__.py", ""),
        "no Python package",
        {"use_evidence": False, "use_assets": False},
    ),
    "no_pages": Breakage(
        "folder",
        "evidence/pages/index.md",
        remove("evidence/pages/index.md"),
        answers=NO_DBT,
    ),
    "bad_config": Breakage(
        "config",
        "config.yaml",
        replace("config.yaml", "remove_duplicates: true", "remove_duplicated: true"),
        "remove_duplicate",
    ),
    "other_parameter": Breakage(
        "extract",
        "ingestion.py",
        replace("ingestion.py", "params: dict", "parameters: dict"),
        "does not take `params` first",
    ),
    "untyped_transform": Breakage(
        "transform",
        "transform.py",
        replace("transform.py", HINTS, "(data)"),
        "has no type for `data`",
        also=frozenset({"type-hints"}),
    ),
    "list_returned": Breakage(
        "transform",
        "transform.py",
        replace("transform.py", HINTS, "(data: dict[str, Any]) -> list[dict[str, Any]]"),
        "not a dict",
    ),
    "other_name": Breakage(
        "job",
        "dagster_job.py",
        replace("dagster_job.py", "workflow_id=__package__", 'workflow_id="another_name"'),
        "does not register",
    ),
    "raises_error": Breakage(
        "job", "dagster_job.py", append("transform.py", "\n1 / 0\n"), "ZeroDivisionError"
    ),
    "leaves": Breakage(
        "job",
        "dagster_job.py",
        append("transform.py", "\nimport os\nos._exit(7)\n"),
        "ended the process (exit code 7)",
    ),
    "bad_assets": Breakage(
        "assets",
        "assets.py",
        append("assets.py", "\nnothing_of_that_name\n"),
        "NameError",
        {**BARE, "use_assets": True},
    ),
    "bad_jinja": Breakage(
        "dbt",
        "dbt/models/marts/bad_jinja.sql",
        replace("dbt/models/marts/bad_jinja.sql", "stg_bad_jinja", "stg_nothing"),
        "stg_nothing",
        {"use_evidence": False, "use_assets": False},
    ),
    "bad_model": Breakage(
        "dbt",
        "dbt/models/staging/stg_bad_model.sql",
        replace("dbt/models/staging/stg_bad_model.sql", "processed_at", "no_such_column"),
        "no_such_column",
        {"use_evidence": False, "use_assets": False},
    ),
    "other_table": Breakage(
        "dbt-source",
        "dbt/models/staging/_sources.yml",
        replace("config.yaml", "table: other_table", "table: renamed"),
        "raw.renamed",
        {"use_evidence": False, "use_assets": False},
        also=frozenset({"dbt", "readme"}),
    ),
    "no_column": Breakage(
        "queries",
        "evidence/pages/index.md",
        append(
            "evidence/pages/index.md",
            "\n```sql mine\nselect nothing\nfrom no_column.no_column_daily\n```\n",
        ),
        '"nothing" not found',
        NO_DBT,
    ),
    "no_table": Breakage(
        "queries",
        "evidence/pages/index.md",
        append("evidence/pages/index.md", "\n```sql mine\nselect *\nfrom no_table.gone\n```\n"),
        "gone",
        NO_DBT,
    ),
    "bad_source": Breakage(
        "queries",
        "evidence/sources/bad_source.sql",
        replace("evidence/sources/bad_source.sql", "select *", "select gone"),
        '"gone" not found',
        NO_DBT,
    ),
    "no_ingestion_test": Breakage(
        "test-ingestion",
        "tests/test_ingestion.py",
        write(
            "tests/test_ingestion.py",
            "import pytest\n\n\ndef test_nothing() -> None:\n"
            "    with pytest.raises(ZeroDivisionError):\n        1 / 0\n",
        ),
    ),
    "no_transform_test": Breakage(
        "test-transform", "tests/test_transform.py", remove("tests/test_transform.py")
    ),
    "no_integration_test": Breakage(
        "test-integration", "tests/test_integration.py", remove("tests/test_integration.py")
    ),
    "skipped_integration_test": Breakage(
        "test-integration",
        "tests/test_integration.py",
        replace(
            "tests/test_integration.py", "def test_", "@__import__('pytest').mark.skip\ndef test_"
        ),
    ),
    "no_error_test": Breakage(
        "test-error",
        "tests/test_ingestion.py",
        replace("tests/test_ingestion.py", "with pytest.raises(DataflowError):", "if True:"),
    ),
    "no_purpose": Breakage(
        "readme",
        "README.md",
        replace("README.md", "No purpose, from source to dashboard.\n", ""),
        "what the workflow is for",
    ),
    "no_data_flow": Breakage(
        "readme", "README.md", remove_readme_section("The data's way"), "how the data flows"
    ),
    "no_options": Breakage(
        "options", "README.md", remove_readme_section("What can be set"), "transformation"
    ),
    "no_page_title": Breakage(
        "dashboard",
        "evidence/pages/index.md",
        remove_lines("evidence/pages/index.md", "title:"),
        "no title",
        NO_DBT,
    ),
    "bare_mart": Breakage(
        "columns",
        "dbt/models/marts/_marts.yml",
        replace(
            "dbt/models/marts/_marts.yml",
            '    description: "Bare mart, from source to dashboard."\n',
            "",
        ),
        "has no description",
        {"use_evidence": False, "use_assets": False},
    ),
    "no_hints": Breakage(
        "type-hints",
        "transform.py",
        append("transform.py", "\n\ndef helper(rows, *, times: int):\n    return rows * times\n"),
        "function argument `rows`",
    ),
    "secret": Breakage(
        "secrets", "tests/data/notes.txt", append("tests/data/notes.txt", f"token {TOKEN}\n")
    ),
    "prints": Breakage(
        "print", "ingestion.py", append("ingestion.py", '\nprint("here")\n'), "past the log"
    ),
}

_ORDERS = {"name": "Order ID", "identifier": "order_id", "type": "BIGINT", "role": "key"}
_GROUP = {"name": 'say "hi"', "identifier": "say_hi", "type": "VARCHAR", "role": "category"}
_SIZE = {"name": "größe", "identifier": "groesse", "type": "DOUBLE", "role": "measure"}
_DAY = {"name": "it's", "identifier": "its", "type": "DATE", "role": "date"}

# Answers that together render every file and every branch of the template that a check looks at.
FRESH: dict[str, dict[str, Any]] = {
    "plain": {},
    "api_open": {**API, "data_path": "data.items"},
    "api_bearer": {**API, "auth_type": "bearer_token", "write_disposition": "append", **NO_DBT},
    "api_basic": {
        **API,
        "auth_type": "basic",
        "write_disposition": "merge",
        "primary_key": ["id"],
        **NO_DBT,
    },
    "api_key": {**API, "auth_type": "api_key", **BARE},
    "api_oauth": {
        **API,
        "auth_type": "oauth2_client_credentials",
        "token_url": "https://api.test/token",
        **BARE,
    },
    "db_append": {
        "source_type": "database",
        "source_url": "data/source.db",
        "source_table": "Order Lines",
        "write_disposition": "append",
        "schedule": "",
        "use_evidence": False,
    },
    "odd_columns": {
        "source_url": "data/in/*.csv",
        "columns": [{**c, "tests": []} for c in (_ORDERS, _GROUP, _SIZE, _DAY)],
        "primary_key": ["Order ID"],
    },
    "no_date": {
        "source_url": "data/in/*.csv",
        "columns": [{**c, "tests": []} for c in (_ORDERS, _GROUP, _SIZE)],
        "use_assets": False,
    },
    "odd_texts": {
        "title": 'The "best" sales: 100% #1 {{ 7 * 7 }}',
        "description": 'It\'s <b>bold</b> & "quoted" \\ ${HOME} {{ 7 * 7 }} 🎉',
        **NO_DBT,
    },
}
