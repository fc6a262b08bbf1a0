"""Files to rows: reading, checks, staging, and every importer with its command."""
