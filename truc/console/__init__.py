"""Finance's pages: the day, its breaks, its signature. What they stand in (Airflow) is asked through a gate."""
