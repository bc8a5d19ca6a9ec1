meltano run tap-csv-folder target-duckdb dbt-duckdb:build
