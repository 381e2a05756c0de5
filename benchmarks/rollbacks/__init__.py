"""The parts of `benchmarks.rollback`: the service, the contestants, the scenarios, the table and the picture."""
