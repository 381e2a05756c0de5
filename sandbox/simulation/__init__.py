"""Scenario files: an account, what people and AWS do to it, and what has to be so at the end. See docs/scenarios.md."""
