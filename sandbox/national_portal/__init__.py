"""A stand-in for the national portal's adapter: sessions, dossiers, progress, intake."""
