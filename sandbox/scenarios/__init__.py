"""Invented stretches of an account's life, for the demo and for tests. Pure: the same seed gives the same bytes."""
