{{ config(materialized='table') }}

select distinct
    id, created_at, customer, region, quantity, amount,
    current_timestamp as processed_at
from {{ source('raw', 'sales') }}
