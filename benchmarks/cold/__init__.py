"""What `benchmarks.cold_start` runs in fresh interpreters."""
