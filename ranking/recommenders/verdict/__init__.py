"""Verdicts: how likely somebody who looks at an item turns it down."""
