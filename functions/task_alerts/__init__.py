"""A container, deployment or instance is in trouble: one incident, one notice, everything normal silent."""
