"""Scale that is given back: surges, windows, the headroom of clusters."""
