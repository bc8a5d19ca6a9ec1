select * from {{ ref('stg_exchange_rates') }}
