MODEL (
  name marts.sales,
  kind FULL
);

SELECT id, created_at, customer, region, quantity, amount, processed_at
FROM staging.stg_sales;

COPY @this_model TO 'published.parquet' (FORMAT parquet);
