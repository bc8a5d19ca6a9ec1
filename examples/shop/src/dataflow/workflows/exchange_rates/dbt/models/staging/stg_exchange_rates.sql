with source as (
    select * from {{ source('raw', 'exchange_rates') }}
)

select
    cast(day as date) as day,
    cast(currency as varchar) as currency,
    cast(rate as double) as rate,
    processed_at
from source
