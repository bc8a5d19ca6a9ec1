{{ config(materialized='external', location='../published.parquet') }}

select * from {{ ref('sales') }}
