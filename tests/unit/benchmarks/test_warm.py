from benchmarks.warm import measure


def test_reading_and_diagnosing_are_compared_with_the_peer() -> None:
    outcome = measure(rounds=1, seed=1)
    assert {"ratio_aa", "ratio_json", "ratio_read", "ratio_read_and_diagnose"} <= outcome.figures.keys()
    assert all(value > 0 for value in outcome.figures.values())
