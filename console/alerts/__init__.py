"""Alerts: what left its band, found by `check_alerts`, kept, and told by mail and webhook."""
