"""Pages for staff: the overview and the dashboards."""
