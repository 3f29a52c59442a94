"""What the console, the reports and the commands read of reconciled days."""
