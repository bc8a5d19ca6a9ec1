"""What a dbt project makes and tests, read from its files without dbt."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import BIN

from dataflow.modelling.manifest import Manifest
from dataflow.modelling.model_graph import ModelGraph
from dataflow.modelling.project_files import graph_of_files

FILES = {
    "dbt_project.yml": """
name: shop
version: 1.0.0
config-version: 2
profile: shop
models:
  shop:
    +tags: nightly
    staging: {+schema: staging}
    marts: {+schema: marts, +materialized: table}
    old: {+enabled: false}
""",
    "profiles.yml": """
shop: {target: local, outputs: {local: {type: duckdb, path: ':memory:', schema: main}}}
""",
    "models/sources.yml": """
sources:
  - name: till
    schema: raw
    tables:
      - {name: sales, identifier: sales_of_till, columns: [{name: id, data_tests: [not_null]}]}
      - name: shops
""",
    "models/staging/stg_sales.sql": """
{# not one of {{ ref('cities') }} #}
{{ config(alias='sales_clean', tags=['daily', 'money']) }}
select 1 as id, 'N' as region, now() as at from {{ source('till', 'sales') }}
""",
    "models/staging/pure.sql": """
{{ config(materialized='ephemeral') }}
select * from {{ ref('stg_sales') }} join {{ source("till", "shops") }} using (id)
""",
    "models/marts/sales.sql": """
-- depends_on: {{ ref('regions') }}
select * from {{ ref('shop', 'pure') }}
""",
    "models/marts/plain.sql": "{{ config(schema='other') }} select * from {{ ref('sales') }}",
    "models/marts/gone.sql": "{{ config(enabled=false) }} select * from {{ ref('sales') }}",
    "models/old/older.sql": "select * from {{ ref('sales') }}",
    "models/marts/told.py": """
def model(dbt, session):
    dbt.config(materialized="table")
    return dbt.ref("sales")
""",
    "models/marts/models.yml": """
models:
  - name: sales
    description: What was sold.
    columns:
      - {name: id, description: The number., data_type: bigint, data_tests: [unique]}
      - name: region
        tests:
          - relationships:
              arguments: {to: ref('regions'), field: region}
              config: {severity: warn}
          - accepted_values:
              name: those_we_know
              arguments: {values: [N]}
              config: {severity: warn}
          - accepted_values: {arguments: {values: [N, S]}}
  - name: plain
    config: {alias: not_so_plain}
    columns:
      - {name: "the region", data_tests: [{not_null: {config: {enabled: false}}}]}
unit_tests:
  - name: sums
    model: plain
    given: [{input: ref('sales'), rows: []}]
    expect: {rows: []}
""",
    "seeds/regions.csv": "region\nN\n",
    "snapshots/kept.sql": """
{% snapshot sales_kept %}
{{ config(unique_key='id', strategy='timestamp', updated_at='at', schema='kept') }}
select * from {{ ref('stg_sales') }}
{% endsnapshot %}
""",
    "tests/no_debts.sql": """
{{ config(severity='warn') }} select * from {{ ref('sales') }} where id < 0
""",
    "tests/generic/is_even.sql": "{% test is_even(model, column_name) %} select 1 {% endtest %}",
}
OWN_NAMES = """
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}
"""


@pytest.fixture(params=["own names", "names of dbt"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    files = dict(FILES)
    if request.param == "own names":
        files["macros/generate_schema_name.sql"] = OWN_NAMES
    for name, text in files.items():
        path = tmp_path / "dbt" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "dbt"


def told(graph: ModelGraph) -> tuple[object, ...]:
    models = sorted(
        (
            model.relation,
            model.kind,
            model.materialized,
            sorted(model.sources),
            model.description,
            list(model.columns),
            sorted(model.tags),
            model.language,
        )
        for model in graph.models
    )
    return models, sorted((test.relation, test.name, test.is_error) for test in graph.tests)


@pytest.mark.slow
def test_the_files_say_what_dbt_says(folder: Path) -> None:
    """Names, schemas, what is made from what, tests with their severity: as in dbt's manifest."""
    read = graph_of_files(folder)
    parsed = subprocess.run(
        [BIN / "dbt", "parse", "--profiles-dir", ".", "--no-send-anonymous-usage-stats"],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert parsed.returncode == 0, parsed.stdout
    manifest = Manifest(json.loads((folder / "target" / "manifest.json").read_text()))
    assert told(read) == told(manifest.graph())
    assert len(read.models) == 6
    assert len(read.tests) == 5
    kept = json.loads(json.dumps(manifest.graph().to_json()))
    assert ModelGraph.from_json(kept) == manifest.graph()


def test_what_cannot_be_read_is_left_out(folder: Path) -> None:
    """Broken YAML, a file that is no text, a project file that says nothing: dbt will complain."""
    (folder / "models" / "marts" / "models.yml").write_text("models: [{name: sales\n")
    (folder / "models" / "marts" / "plain.sql").write_bytes(b"\xff\xfe\x00")
    (folder / "profiles.yml").write_text("shop: [1, 2]")
    names = {model.relation[1] for model in graph_of_files(folder).models}
    assert {"sales", "plain", "sales_clean"} <= names
    (folder / "dbt_project.yml").write_text("- not a mapping\n")
    assert "sales" in {model.relation[1] for model in graph_of_files(folder).models}
    assert graph_of_files(folder / "nothing") == ModelGraph()


def test_dbt_is_not_imported(folder: Path) -> None:
    """Nor is anything else that takes longer than the reading."""
    code = (
        "import sys; from pathlib import Path\n"
        "from dataflow.modelling.project_files import graph_of_files\n"
        "graph_of_files(Path(sys.argv[1]))\n"
        "print([m for m in ('dbt', 'duckdb', 'pandas', 'pyarrow', 'dagster') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
