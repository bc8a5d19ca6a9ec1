set -e
python load.py
cd dbt
dbt build --profiles-dir .
