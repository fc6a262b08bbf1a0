"""The model registry: versions, their files, and the locks of training."""
