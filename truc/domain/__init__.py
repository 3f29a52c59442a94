"""Our own words: money, time, status, identifiers, procedures; knows no store and no partner."""
