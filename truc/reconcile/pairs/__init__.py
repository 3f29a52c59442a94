"""Two lists that are no money: dossier statuses, shipments, procedures, against what a partner has."""
