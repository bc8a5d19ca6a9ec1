{{ config(materialized='external', location=env_var('PUBLISHED', '../published.parquet')) }}

select * from {{ ref('sales') }}
