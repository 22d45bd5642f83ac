"""/admin/programmes/{p}/reports: what `pointsbank.reports` finds, as charts, as tables that say the same, as CSV."""
