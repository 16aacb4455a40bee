from stores import MemoryStore

NOW_MS = 1_790_000_000_000


def test_memory_is_bounded_and_the_oldest_make_room() -> None:
    store = MemoryStore(decisions_max=2)
    store.exchange([], [("t1", b"1"), ("t2", b"2"), ("t3", b"3")], NOW_MS)
    assert store.exchange(["t1", "t2", "t3"], [], NOW_MS).decisions == {"t2": b"2", "t3": b"3"}


def test_a_decision_counts_until_its_last_millisecond() -> None:
    store = MemoryStore(expiry_ms=100)
    store.exchange([], [("t1", b"1")], NOW_MS)
    assert store.exchange(["t1"], [], NOW_MS + 99).decisions == {"t1": b"1"}
    assert store.exchange(["t1"], [], NOW_MS + 100).decisions == {}


def test_a_clock_set_back_loses_nothing() -> None:
    store = MemoryStore(expiry_ms=100)
    store.exchange([], [("t1", b"1")], NOW_MS)
    assert store.exchange(["t1", "t2"], [("t2", b"2")], NOW_MS - 1_000).decisions == {"t1": b"1", "t2": b"2"}
