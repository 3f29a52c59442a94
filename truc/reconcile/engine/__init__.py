"""The engine of reconciliation: rules written once as Ibis expressions, run as SQL on DuckDB or on Spark."""
