"""Django's PostgreSQL, with a check of kept connections that asks the server nothing while all is well."""
