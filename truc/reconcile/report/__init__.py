"""Reports of a reconciled day: a workbook, minutes for signature, and files for data teams, all of one `DayReport`."""
