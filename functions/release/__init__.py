"""A revision is to be released: a verified release, or a verified return to where it was, with evidence."""
