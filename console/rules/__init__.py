"""The pages of staff's rules: a form, what the rule would do, and what became of it."""
