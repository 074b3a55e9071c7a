"""A filter on an engine: what DuckDB, BigQuery and Spark decide exactly, and alike."""
