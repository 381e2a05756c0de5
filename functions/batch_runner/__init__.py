"""A schedule is due or an object was uploaded: one run, exactly once, or an incident that says why not."""
