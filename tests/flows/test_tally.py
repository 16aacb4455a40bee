from flows import Tally


def test_the_summary_names_what_happened() -> None:
    tally = Tally()
    tally.events = 1_006
    tally.actions.update({"allow": 1_000, "block": 2})
    tally.dead_letters.update({"not_json": 3, "too_large": 1})
    tally.duplicates = 2
    assert tally.summary(2.0).splitlines() == [
        "events               1,006   in 2.0 s, 503 a second",
        "decisions            1,002   allow 1,000, review 0, step_up 0, block 2",
        "duplicates               2   answered as recorded, not counted again",
        "dead letters             4   not_json 3, too_large 1",
    ]


def test_the_summary_of_nothing_is_short() -> None:
    assert Tally().summary(0.0).splitlines() == [
        "events                   0   in 0.0 s, 0 a second",
        "decisions                0   allow 0, review 0, step_up 0, block 0",
    ]
