# The models and tests are those that `dataflow workflow new` has rendered, laid into dbt/.
set -e
python sql.py load.sql
DATAFLOW_DATABASE=$PWD/warehouse.duckdb dbt build --project-dir dbt --profiles-dir dbt --exclude-resource-type unit_test
python sql.py publish.sql
