with source as (
    select * from {{ source('raw', 'exchange_rates') }}
)

select
    {{ exact_cast('day', 'date') }} as day,
    cast(currency as {{ native_type('varchar') }}) as currency,
    cast(rate as {{ native_type('double') }}) as rate,
    processed_at
    -- columns that the source has got since
    {{ and_other_columns([
        'day',
        'currency',
        'rate',
        'processed_at'
    ]) }}
from source
