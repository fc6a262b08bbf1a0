"""Statistics without Django: metrics, resampling, splits, sequential tests, off-policy estimates."""
