"""What two automations need: the words of Breakwater, the pure rules and the thin adapters to AWS."""
