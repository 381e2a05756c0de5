"""Tells people of incidents: which channel, how it looks there, how many messages a minute."""
