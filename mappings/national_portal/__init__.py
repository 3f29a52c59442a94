"""What the national portal's dossiers, progress steps and online submissions mean."""
