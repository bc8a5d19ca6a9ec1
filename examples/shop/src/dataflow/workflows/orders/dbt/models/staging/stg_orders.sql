with source as (
    select * from {{ source('raw', 'orders') }}
)

select
    {{ exact_cast('id', 'bigint') }} as id,
    cast(created_at as timestamp) as created_at,
    cast(category as {{ native_type('varchar') }}) as category,
    cast(amount as {{ native_type('double') }}) as amount,
    processed_at
    -- columns that the source has got since
    {{ and_other_columns([
        'id',
        'created_at',
        'category',
        'amount',
        'processed_at'
    ]) }}
from source
