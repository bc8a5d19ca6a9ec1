"""What a process that forks runs has loaded."""

import subprocess
import sys

import pytest

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
