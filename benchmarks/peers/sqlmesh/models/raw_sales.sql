MODEL (
  name raw.sales,
  kind FULL,
  columns (
    id BIGINT,
    created_at TIMESTAMP,
    customer VARCHAR,
    region VARCHAR,
    quantity BIGINT,
    amount DOUBLE,
    processed_at TIMESTAMPTZ
  )
);

SELECT DISTINCT id, created_at, customer, region, quantity, amount, now() AS processed_at
FROM read_csv('sales.csv');
