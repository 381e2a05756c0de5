"""A deployment fails: undo it when, and only when, that helps, and say why in either case."""
