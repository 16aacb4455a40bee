"""What is appended is read back, segments follow on each other, and what nobody needs is forgotten."""

import stat
import threading
from array import array
from pathlib import Path

import pytest

from journal import Frame, StateError
from support.journals import KEY, NEEDED_MS, Kept, Run, kept_in, noise, opened, segment

SMALL = 4_096


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a directory can be made; its segments are small."""
    monkeypatch.setattr("journal.writer.SEGMENT_BYTES", SMALL)
    return tmp_path / "state"


def test_frames_come_back_as_they_were_given(state: Path) -> None:
    run = Run(state)
    for size in (1, 7, 8, 9, 300, 5_000, 3_000_000):
        run.append(noise(size, size))
    run.stop()
    assert kept_in(state) == run.kept


def test_a_payload_of_many_parts_of_any_type_is_one_frame(state: Path) -> None:
    run = Run(state)
    parts = [b"x" * (at % 3) for at in range(5_000)]
    columns = array("q", range(9))
    run.journals[0].append([*parts, memoryview(columns)], NEEDED_MS)
    run.stop()
    assert kept_in(state)[0][-1] == Kept(False, b"".join(parts) + columns.tobytes())


def test_payloads_begin_where_columns_can_be_used(state: Path) -> None:
    run = Run(state)
    columns = array("d", [1.5, -2.0])
    for size in range(1, 20):
        run.journals[0].append([bytes([size]) * size], NEEDED_MS)
        run.journals[0].append([memoryview(columns)], NEEDED_MS)
    run.stop()
    frames = [frame for frame in opened(state).read(lambda _read, _total: None)[0] if not frame.head]
    assert all(frame.payload.cast("d").tolist() == [1.5, -2.0] for frame in frames[1::2])


def test_no_payload_is_no_frame(state: Path) -> None:
    run = Run(state)
    with pytest.raises(ValueError, match="expected a payload, got no bytes"):
        run.journals[0].append([b"", b""], NEEDED_MS)


def test_a_payload_has_a_limit(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("journal.writer.PAYLOAD_BYTES_MAX", 1_000)
    run = Run(state)
    run.append(bytes(1_000))
    with pytest.raises(StateError) as raised:
        run.append(bytes(1_001))
    assert str(raised.value) == (
        f"expected at most 1000 bytes in a frame of `{segment(state, 1)}`, got 1001;"
        " let the pack's detectors keep less, or run without --state"
    )
    run.stop()
    assert kept_in(state) == run.kept


def test_a_segment_begins_with_a_head_that_speaks_for_all_before(state: Path) -> None:
    run = Run(state)
    for at in range(40):
        run.append(noise(at, 300))
    run.stop()
    heads = [at for at, frame in enumerate(run.kept[0]) if frame.head]
    assert len(heads) == 4
    assert [run.kept[0][at].payload.rstrip(b".") for at in heads] == [b"%d frames" % at for at in heads]
    assert kept_in(state) == run.kept


def test_a_run_goes_on_where_the_last_one_stopped(state: Path) -> None:
    kept: list[Kept] = []
    for number in range(5):
        run = Run(state)
        assert run.kept[0][: len(kept)] == kept
        run.append(noise(number, 500))
        kept = run.kept[0]
        run.stop()
    assert [frame.head for frame in kept] == [True, False, False, False, False, False]
    assert [path.name for path in (state / "segments").iterdir()] == ["0-00000001.log"]


def test_heads_are_an_eighth_at_most(state: Path) -> None:
    run = Run(state, head_bytes=10_000)
    for at in range(200):
        run.append(noise(at, 1_000))
    run.stop()
    heads = sum(len(frame.payload) for frame in run.kept[0] if frame.head)
    sizes = [path.stat().st_size for path in sorted((state / "segments").iterdir())]
    assert len(sizes) == 3
    assert heads - 10_000 <= sum(sizes[:-1]) / 8
    again = Run(state, head_bytes=10_000)
    for at in range(75):
        again.append(noise(at, 1_000))
    assert [frame.head for frame in again.kept[0][len(run.kept[0]) :]].count(True) == 1, "as large as before"


def test_progress_is_told_in_bytes(state: Path) -> None:
    run = Run(state, slots=(0, 1), workers=2)
    for at in range(20):
        run.append(noise(at, 400_000), slot=at % 2)
    run.stop()
    told: list[tuple[int, int]] = []
    directory = opened(state)
    for frames in directory.read(lambda read, total: told.append((read, total))).values():
        assert all(frames)
    assert told == sorted(told)
    assert len(told) > 8
    assert told[-1] == (directory.size_bytes, directory.size_bytes)


def test_slots_are_read_side_by_side(state: Path) -> None:
    run = Run(state, slots=(0, 1), workers=2)
    for at in range(20):
        run.append(b"%d" % at, slot=at % 2)
    run.stop()
    first, second = opened(state).read(lambda _read, _total: None).values()
    together = [bytes(frame.payload) for pair in zip(first, second, strict=True) for frame in pair]
    assert together[2:] == [b"%d" % at for at in range(20)]


def test_a_slot_is_read_before_it_is_written(state: Path) -> None:
    directory = opened(state)
    (frames,) = directory.read(lambda _read, _total: None).values()
    with pytest.raises(RuntimeError, match="all slots must be read to their ends before one is written"):
        directory.writer(0, lambda: [b"head"])
    assert list(frames) == []
    directory.writer(0, lambda: [b"head"])


def test_forgotten_is_what_no_clock_needs(state: Path) -> None:
    run = Run(state)
    for at in range(60):
        run.append(noise(at, 300), expires_ms=1_000 + at)
    numbers = len(list((state / "segments").iterdir()))
    ends = [at - 1 for at, frame in enumerate(run.kept[0]) if frame.head][1:]
    expiry = [1_000 + sum(not frame.head for frame in run.kept[0][:end]) for end in ends]
    assert run.journals[0].forget(expiry[0] - 1) == 0
    assert run.journals[0].forget(expiry[0]) == 1
    assert run.journals[0].forget(expiry[0]) == 0
    assert run.journals[0].forget(1 << 62) == numbers - 2, "all but the last"
    run.append(b"more")
    kept = run.kept[0][ends[-1] + 1 :]
    run.stop()
    assert kept_in(state) == {0: kept}
    assert kept[0].head


def test_expiry_is_known_after_a_restart(state: Path) -> None:
    run = Run(state)
    for at in range(60):
        run.append(noise(at, 300), expires_ms=5_000 if at else 9_000)
    run.stop()
    again = Run(state)
    assert again.journals[0].forget(8_999) == 0
    assert again.journals[0].forget(9_000) == 4


def test_a_forgotten_slot_goes_on(state: Path) -> None:
    run = Run(state)
    for at in range(60):
        run.append(noise(at, 300), expires_ms=0)
    run.journals[0].forget(0)
    run.stop()
    again = Run(state)
    again.append(b"more")
    again.stop()
    assert kept_in(state)[0][-1] == Kept(False, b"more")


def test_a_forgetting_that_was_interrupted_is_finished(state: Path) -> None:
    run = Run(state)
    for at in range(60):
        run.append(noise(at, 300), expires_ms=0)
    first = segment(state, 1).read_bytes()
    run.journals[0].forget(0)
    run.stop()
    segment(state, 1).write_bytes(first)
    again = Run(state)
    assert all(frame in run.kept[0][-20:] for frame in again.kept[0])
    assert not segment(state, 1).exists()


def test_slots_without_a_worker_are_read_and_forgotten_when_nothing_is_needed(state: Path) -> None:
    three = Run(state, slots=(0, 1, 2), workers=3)
    for at in range(30):
        three.append(b"%d" % at, expires_ms=at, slot=at % 3)
    three.stop()
    two = Run(state, slots=(0, 1), workers=2)
    assert two.kept[2] == three.kept[2]
    assert [two.kept[slot][-1].head for slot in (0, 1)] == [True, True], "new heads speak for the orphan"
    assert two.journals[1].forget(NEEDED_MS) == 1
    assert segment(state, 1, slot=2).exists()
    assert two.journals[0].forget(28) == 1
    assert segment(state, 1, slot=2).exists()
    assert two.journals[0].forget(29) == 1
    assert not segment(state, 1, slot=2).exists()
    two.stop()
    assert set(Run(state, slots=(0, 1), workers=2).kept) == {0, 1, 2}


def test_heads_begin_anew_with_another_number_of_workers(state: Path) -> None:
    """A slot's head says nothing of what other slots learnt of its keys meanwhile."""
    began = []
    for workers in (2, 2, 1, 1, 2, 2):
        slots = range(workers)
        run = Run(state, slots=slots, workers=workers)
        began.append([len(list((state / "segments").glob(f"{slot}-*"))) for slot in slots])
        for slot in slots:
            run.append(b"x", slot=slot)
        run.stop()
    assert began == [[1, 1], [1, 1], [2], [2], [3, 2], [3, 2]]


def test_syncing_works_beside_the_appending(state: Path) -> None:
    run = Run(state)
    ended = threading.Event()

    def sync() -> None:
        while not ended.is_set():
            run.journals[0].sync()

    thread = threading.Thread(target=sync)
    thread.start()
    for at in range(400):
        run.append(noise(at, 300))
    ended.set()
    thread.join()
    run.stop()
    assert kept_in(state) == run.kept


def test_only_the_owner_may_look(state: Path) -> None:
    run = Run(state)
    run.append(b"x")
    run.stop()
    modes = {str(path.relative_to(state)): stat.filemode(path.stat().st_mode) for path in state.rglob("*")}
    assert modes == {
        "manifest.json": "-rw-------",
        "segments": "drwx------",
        "segments/0-00000001.log": "-rw-------",
        "slots": "drwx------",
        "slots/0": "-rw-------",
    }
    assert stat.filemode(state.stat().st_mode) == "drwx------"


def test_the_key_stays(state: Path) -> None:
    directory = opened(state)
    assert directory.hash_key == KEY
    directory.close()
    assert opened(state).hash_key == KEY


def test_a_frame_holds_its_megabyte_and_no_copy(state: Path) -> None:
    run = Run(state)
    run.append(b"abc")
    run.stop()
    (frames,) = opened(state).read(lambda _read, _total: None).values()
    head, frame = frames
    assert isinstance(frame, Frame)
    assert head.payload.obj is frame.payload.obj
    assert frame.payload.readonly
