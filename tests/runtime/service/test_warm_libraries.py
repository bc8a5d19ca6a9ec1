"""What a process that forks runs has loaded."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from dataflow.service.warm_training import train_macros

FORK = """
import os, sys, threading
from dataflow.service.warm_libraries import load_libraries
load_libraries()
print("dbt.adapters.duckdb" in sys.modules, threading.active_count(), flush=True)
if child := os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
import duckdb
total = "SELECT sum(range) FROM range(3_000_000)"
print(duckdb.sql(total).fetchone()[0], duckdb.connect().sql(total).fetchone()[0], flush=True)
os._exit(0)
"""


@pytest.mark.slow
def test_a_child_has_the_adapter_and_a_duckdb_of_its_own() -> None:
    """DuckDB's threads end before a fork, and its child works with as many as it wants."""
    done = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, timeout=120)
    assert done.stdout == f"True 1\n{4499998500000} {4499998500000}\n", done.stderr


@pytest.mark.slow
def test_macros_of_a_project_are_compiled_and_an_edited_one_is_another(tmp_path: Path) -> None:
    """By their text, as dbt keeps them; one that cannot be read is left to the run."""
    jinja = pytest.importorskip("dbt_common.clients.jinja")
    macro = "{% macro fresh() %} 1 {% endmacro %}"
    for name, text in (("a", macro), ("b", macro), ("c", "{% macro broken( %}")):
        folder = tmp_path / "src" / "dataflow" / "workflows" / name / "dbt" / "macros"
        folder.mkdir(parents=True)
        (folder / "macros.sql").write_text(text)
    train_macros(tmp_path)
    compiled = jinja.template_cache.file_cache
    assert macro in compiled
    assert any("macro duckdb__create_table_as" in text for text in compiled)
    assert not any("broken" in text for text in compiled)
    edited = SimpleNamespace(name="fresh", macro_sql=macro.replace("1", "2"))
    before, after = compiled[macro], jinja.template_cache.get_node_template(edited)
    assert [
        each.make_module(vars={}, shared=False).dbt_macro__fresh().strip()
        for each in (before, after)
    ] == ["1", "2"]
