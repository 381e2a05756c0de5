"""A deployment stops at a lifecycle hook: it is checked before it goes on, whoever started it."""
