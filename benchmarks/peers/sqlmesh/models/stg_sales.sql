MODEL (
  name staging.stg_sales,
  kind VIEW,
  audits (
    unique_values(columns := (id)),
    not_null(columns := (id)),
    not_null(columns := (created_at)),
    not_null(columns := (customer)),
    not_null(columns := (region)),
    accepted_values(column := region, is_in := ('east', 'north', 'south', 'west')),
    not_null(columns := (quantity)),
    not_null(columns := (amount))
  )
);

SELECT
  CAST(id AS BIGINT) AS id,
  CAST(created_at AS TIMESTAMP) AS created_at,
  CAST(customer AS VARCHAR) AS customer,
  CAST(region AS VARCHAR) AS region,
  CAST(quantity AS BIGINT) AS quantity,
  CAST(amount AS DOUBLE) AS amount,
  processed_at
FROM raw.sales;
