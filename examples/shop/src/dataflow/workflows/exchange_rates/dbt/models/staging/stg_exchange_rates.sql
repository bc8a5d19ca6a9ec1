with source as (
    select * from {{ source('raw', 'exchange_rates') }}
)

select
    {{ exact_cast('day', 'date') }} as day,
    cast(currency as varchar) as currency,
    cast(rate as double) as rate,
    processed_at,
    -- columns that the source has got since
    * exclude (
        day,
        currency,
        rate,
        processed_at
    )
from source
