select
    cast(id as bigint) as id,
    cast(created_at as timestamp) as created_at,
    cast(customer as varchar) as customer,
    cast(region as varchar) as region,
    cast(quantity as bigint) as quantity,
    cast(amount as double) as amount,
    processed_at
from {{ ref('unique_sales') }}
