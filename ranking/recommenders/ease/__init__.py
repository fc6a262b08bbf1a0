"""EASE: every item predicted from all the others, in closed form."""
