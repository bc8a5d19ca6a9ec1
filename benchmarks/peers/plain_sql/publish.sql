COPY marts.sales TO 'published.parquet' (FORMAT parquet);
