# Where it is deployed the manifest is made beforehand.
cd dbt
dbt parse --profiles-dir .
