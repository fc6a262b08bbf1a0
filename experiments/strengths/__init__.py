"""The worth of the strengths that a deployment may set: read from its experiments and its logged chances."""
