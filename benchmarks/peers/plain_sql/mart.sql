CREATE SCHEMA IF NOT EXISTS staging;
CREATE SCHEMA IF NOT EXISTS marts;

CREATE OR REPLACE VIEW staging.stg_sales AS
SELECT
    cast(id AS bigint) AS id,
    cast(created_at AS timestamp) AS created_at,
    cast(customer AS varchar) AS customer,
    cast(region AS varchar) AS region,
    cast(quantity AS bigint) AS quantity,
    cast(amount AS double) AS amount,
    processed_at
FROM raw.sales;

CREATE OR REPLACE TABLE marts.sales AS SELECT * FROM staging.stg_sales;
