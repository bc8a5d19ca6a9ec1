CREATE SCHEMA IF NOT EXISTS raw;

CREATE OR REPLACE TABLE raw.sales AS
SELECT DISTINCT *, now() AS processed_at FROM read_csv('sales.csv');
