with source as (
    select * from {{ source('raw', 'orders') }}
)

select
    cast(id as bigint) as id,
    cast(created_at as timestamp) as created_at,
    cast(category as varchar) as category,
    cast(amount as double) as amount,
    processed_at
from source
