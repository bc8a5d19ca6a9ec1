"""Only what names a workflow is changed, whatever the workflow and its tables are called."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from dataflow.workflows.identifiers import is_workflow_id
from dataflow_tools.fleet.tree import read_tree
from dataflow_tools.lifecycle.python_names import with_new_literals
from dataflow_tools.lifecycle.references import Names, declared_id, own_files, with_table

IDS = st.from_regex(r"[a-z][a-z0-9]{0,8}(_[a-z0-9]{1,6}){0,2}", fullmatch=True).filter(
    is_workflow_id
)


def renamed(folder: Path, old: str, new: str) -> None:
    """Rewrite the files of a folder that is called as it shall be already."""
    tables = tuple(path.stem for path in folder.glob("evidence/sources/*.sql"))
    for one in own_files(folder, Names(old, new, "data", tables)):
        one.path.write_bytes(one.after)


@pytest.fixture(scope="module")
def sales(_rendered: Path) -> Path:
    """A workflow as the template renders it."""
    return _rendered / "sales"


@pytest.mark.slow
@given(first=IDS, second=IDS)
@example(first="rows", second="job")
@example(first="source", second="run")
@example(first="id", second="orders")
@example(first="extract", second="load")
@example(first="a", second="the_workflow")
def test_there_and_back_changes_nothing(sales: Path, first: str, second: str) -> None:
    """For any two names, and for names that are words of the files themselves."""
    assume(len({first, second, "sales"}) == 3)
    with tempfile.TemporaryDirectory() as scratch:
        folder = shutil.copytree(sales, Path(scratch) / "workflow")
        renamed(folder, "sales", first)
        before = read_tree(folder)
        renamed(folder, first, second)
        assert declared_id(folder) == second
        renamed(folder, second, first)
        assert read_tree(folder) == before


def test_a_folder_says_what_it_is(tmp_path: Path) -> None:
    """By its answers, else by what its job registers, else by its name."""
    folder = tmp_path / "here"
    folder.mkdir()
    assert declared_id(folder) == "here"
    (folder / "dagster_job.py").write_text('register_workflow(workflow_id="made", job=a_job)\n')
    assert declared_id(folder) == "made"
    (folder / "dagster_job.py").write_text("register_workflow(workflow_id=__package__, job=j)\n")
    assert declared_id(folder) == "here"
    (folder / ".copier-answers.yml").write_text("table: other\nworkflow_id: rendered\n")
    assert declared_id(folder) == "rendered"


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ('steps = Steps("old")', 'steps = Steps("new")'),
        ("c = config.load_config('old')  # old", "c = config.load_config('new')  # old"),
        ('ä = "ö"; Steps("old")', 'ä = "ö"; Steps("new")'),
        (
            'a = AssetSpec(key=["old", "marts", "old"])',
            'a = AssetSpec(key=["new", "marts", "old"])',
        ),
        ('d = "old/marts/old"', 'd = "new/marts/old"'),
        ('sandbox.count("raw.old"), print("old")', 'sandbox.count("raw.old"), print("old")'),
        ('WORKFLOW = "old"\nTABLE = "old"', 'WORKFLOW = "new"\nTABLE = "old"'),
        (
            "from dataflow.workflows import old\nold.run()",
            "from dataflow.workflows import new as old\nold.run()",
        ),
        (
            "from dataflow.workflows import a, old as b",
            "from dataflow.workflows import a, new as b",
        ),
        ('Steps("old"', 'Steps("old"'),
        (
            'a = "\u2028"\r\n\fb = 1\r\nSteps("old")\r\n',
            'a = "\u2028"\r\n\fb = 1\r\nSteps("new")\r\n',
        ),
        ('\ufeffSteps("old")', '\ufeffSteps("new")'),
    ],
)
def test_code_keeps_what_only_looks_like_the_name(code: str, wanted: str) -> None:
    """Calls of the library, keys of assets and imports name a workflow; other texts do not."""
    assert with_new_literals(code, "old", "new") == wanted


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        ("a: 1\n", "a: 1\n\nload:\n  table: t\n"),
        (
            "load:\n    # how\n    primary_key: [id]\n",
            "load:\n    table: t\n    # how\n    primary_key: [id]\n",
        ),
        (
            "load: {write_disposition: append}\nb: 1\n",
            "load: {table: t, write_disposition: append}\nb: 1\n",
        ),
        ("load: {}\n", "load: {table: t}\n"),
    ],
)
def test_a_table_is_named_where_it_belongs(config: str, wanted: str) -> None:
    """In the section that is there, as it is written, or in one of its own."""
    assert with_table(config, "t") == wanted


@pytest.mark.parametrize(
    ("sql", "wanted"),
    [
        ("select old.old from old.old, old.day", "select new.old from new.old, new.day"),
        (
            "select old.day from old.old as old join old.day d on old.id = d.id",
            "select old.day from new.old as old join new.day d on old.id = d.id",
        ),
        ('from "old"."day"', 'from "new"."day"'),
        (
            "select 'old.day', x.old.day, old.other from b",
            "select 'old.day', x.old.day, old.other from b",
        ),
    ],
)
def test_queries_of_pages_read_from_the_new_name(tmp_path: Path, sql: str, wanted: str) -> None:
    """Tables of the workflow do; texts, columns and tables that are called so in the query not."""
    page = tmp_path / "evidence" / "pages" / "index.md"
    page.parent.mkdir(parents=True)
    page.write_text(f"old.day\n\n```sql q\n{sql}\n```\n")
    for one in own_files(tmp_path, Names("old", "new", "data", ("old", "day"))):
        one.path.write_bytes(one.after)
    assert page.read_text() == f"old.day\n\n```sql q\n{wanted}\n```\n"
