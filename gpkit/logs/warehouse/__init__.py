"""Entries that are too many for memory, as Ibis tables: Parquet on DuckDB, Spark, and BigQuery's Log Analytics.

with parquet.opened("entries/*.parquet") as entries:    out of core, in bounded memory
    gpkit.timeline.rates(entries, width_s=3600)
spark.entries(session, "gs://bucket/prefix/*.json")     on a cluster
bigquery.read("shop-prod", "logs", since, until)        where the logs already are
"""
