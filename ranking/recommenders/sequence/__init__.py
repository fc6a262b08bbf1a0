"""A transformer over a person's last events: what they do next."""
