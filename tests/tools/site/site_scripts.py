"""Calling the scripts that ship with the site without a browser, and asking DuckDB their SQL."""

from __future__ import annotations

import json
from typing import Any

import duckdb

from dataflow_tools.site.node import find_node
from dataflow_tools.site.npm_install import site_files

SCRIPTS = site_files() / "template" / "src" / "dataflow"


def call(module: str, function: str, *arguments: object) -> Any:
    """What a function of one of the scripts returns, as JSON."""
    script = (
        f"const found = await import({json.dumps((SCRIPTS / module).as_uri())});\n"
        f"const given = {json.dumps(arguments)};\n"
        f"console.log(JSON.stringify(found[{json.dumps(function)}](...given)));\n"
    )
    node = find_node()
    done = node.run(str(node.node), "--input-type=module", "-e", script, cwd=SCRIPTS)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def answers(connection: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    """The rows of a query, by the names of its columns."""
    found = connection.execute(sql)
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
