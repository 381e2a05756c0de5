"""A policy document was uploaded: all of it is applied, or nothing and people hear where it is wrong."""
