"""What a crash or damage leaves behind is a beginning of what was appended, or is told; never anything else."""

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journal import StateError, Torn
from journal.frames import FRAME_BYTES, HEADER_BYTES
from support.journals import Kept, Run, kept_in, noise, opened, read_all, segment
from support.services import ROOT

SMALL = 3_000
HEAD_BYTES = 40
SECTOR = 512
ELSEWHERE = "start with another empty directory: --state OTHER (its windows begin empty)"

MEMORY = Path("/dev") / "shm" if os.access(Path("/dev") / "shm", os.W_OK) else None
"""Where syncing costs nothing, for what is tried a hundred times."""

Step = int | Literal["sync", "crash", "stop"]


@pytest.fixture(scope="module", autouse=True)
def _small_segments() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("journal.writer.SEGMENT_BYTES", SMALL)
        yield


class History:
    """Runs that append, sync, crash and stop in turn, and what must be in the directory `path` after them."""

    def __init__(self, folder: Path, steps: Sequence[Step]) -> None:
        self._folder = folder
        self.path = folder / "0"
        run = Run(self.path, head_bytes=HEAD_BYTES)
        for at, step in enumerate(steps):
            if isinstance(step, int):
                run.append(noise(at, step))
            elif step == "sync":
                run.journals[0].sync()
            else:
                run = self._again(run, crash=step == "crash")
        self.kept = run.kept[0]
        if not steps or steps[-1] != "stop":
            self._crash(run)
        else:
            run.stop()
        self.segments = sorted((self.path / "segments").iterdir())

    def _again(self, run: Run, crash: bool) -> Run:
        if crash:
            self._crash(run)
        else:
            run.stop()
        again = Run(self.path, head_bytes=HEAD_BYTES)
        assert again.kept[0] == run.kept[0]
        return again

    def _crash(self, run: Run) -> None:
        """Goes on with what the disk holds now: the process's own last words come too late."""
        left = self._folder / str(int(self.path.name) + 1)
        shutil.copytree(self.path, left)
        run.stop()
        self.path = left


def histories() -> st.SearchStrategy[list[Step]]:
    sizes = st.integers(min_value=1, max_value=1_500)
    return st.lists(st.one_of(sizes, sizes, sizes, st.sampled_from(["sync", "crash", "stop"])), max_size=25)


def check_told(told: str, damaged: Path) -> None:
    assert f"`{damaged}`" in told
    assert told.endswith(ELSEWHERE)


def check_beginning(history: History, damaged: Path) -> bool:
    """What is read is a beginning of what was appended, and another run can go on from there; or the file is named."""
    try:
        run = Run(history.path, head_bytes=HEAD_BYTES)
    except StateError as error:
        check_told(str(error), damaged)
        return False
    assert run.kept[0] == history.kept[: len(run.kept[0])]
    run.append(b"more")
    run.stop()
    assert kept_in(history.path) == run.kept
    return True


many = settings(max_examples=100)


@many
@given(steps=histories(), data=st.data())
def test_a_cut_file_leaves_a_beginning_or_is_told(steps: list[Step], data: st.DataObject) -> None:
    with TemporaryDirectory(dir=MEMORY) as folder:
        history = History(Path(folder), steps)
        cut = data.draw(st.sampled_from(history.segments))
        size = cut.stat().st_size
        at = data.draw(st.integers(min_value=0, max_value=size - 1))
        os.truncate(cut, at)
        is_torn = cut == history.segments[-1] and at >= HEADER_BYTES + FRAME_BYTES + HEAD_BYTES
        assert check_beginning(history, cut) == is_torn


@many
@given(steps=histories(), data=st.data())
def test_a_flipped_bit_is_told(steps: list[Step], data: st.DataObject) -> None:
    with TemporaryDirectory(dir=MEMORY) as folder:
        history = History(Path(folder), steps)
        files = [*history.segments, history.path / "slots" / "0", history.path / "manifest.json"]
        flipped = data.draw(st.sampled_from(files))
        raw = bytearray(flipped.read_bytes())
        bit = data.draw(st.integers(min_value=0, max_value=len(raw) * 8 - 1))
        raw[bit // 8] ^= 1 << bit % 8
        flipped.write_bytes(raw)
        assert not check_beginning(history, flipped)


@many
@given(steps=histories(), data=st.data())
def test_unwritten_sectors_leave_a_beginning_or_are_told(steps: list[Step], data: st.DataObject) -> None:
    """A power failure leaves them, but in the last segment only: those before it were synced."""
    with TemporaryDirectory(dir=MEMORY) as folder:
        history = History(Path(folder), steps)
        number = data.draw(st.integers(min_value=1, max_value=len(history.segments)))
        size = history.segments[number - 1].stat().st_size
        first = data.draw(st.integers(min_value=0, max_value=(size - 1) // SECTOR))
        file = holed(history.path, number, first, data.draw(st.integers(min_value=first, max_value=first + 4)))
        goes_on = check_beginning(history, file)
        assert not goes_on or number == len(history.segments)


def holed(path: Path, number: int, first: int, last: int) -> Path:
    """The file, in which a power failure left the sectors `first` to `last` unwritten."""
    file = segment(path, number)
    raw = bytearray(file.read_bytes())
    begin, end = first * SECTOR, min((last + 1) * SECTOR, len(raw))
    raw[begin:end] = bytes(end - begin)
    file.write_bytes(raw)
    return file


def seen_in(path: Path) -> list[Kept] | None:
    """What a process sees that writes no slot; None if it is told of damage."""
    try:
        with closing(opened(path, slots=())) as directory:
            return read_all(directory)[0]
    except StateError:
        return None


def crashed(folder: Path, *steps: Step) -> Path:
    return History(folder, steps).path


HEAD_END = HEADER_BYTES + FRAME_BYTES + HEAD_BYTES


def test_a_flip_of_any_byte_is_told(tmp_path: Path) -> None:
    path = crashed(tmp_path, 20, 9, 3)
    file = segment(path, 1)
    raw = file.read_bytes()
    for at, byte in enumerate(raw):
        file.write_bytes(raw[:at] + bytes([byte ^ 1 << at % 8]) + raw[at + 1 :])
        assert seen_in(path) is None, at
        file.write_bytes(raw[:at] + bytes([byte ^ 0x80]) + raw[at + 1 :])
        assert seen_in(path) is None, at


def test_a_cut_at_any_byte_leaves_the_whole_frames(tmp_path: Path) -> None:
    path = crashed(tmp_path, 20, 9, 3)
    whole = seen_in(path)
    assert whole is not None
    ends = [HEAD_END, HEAD_END + FRAME_BYTES + 24, HEAD_END + 2 * FRAME_BYTES + 24 + 16]
    for size in reversed(range(segment(path, 1).stat().st_size)):
        os.truncate(segment(path, 1), size)
        assert seen_in(path) == (whole[: sum(size >= end for end in ends)] or None), size


def test_zeros_elsewhere_do_not_excuse_damage(tmp_path: Path) -> None:
    path = tmp_path / "state"
    run = Run(path)
    run.append(noise(1, 100))
    run.append(bytes(2 * SECTOR))
    run.append(noise(1, 100))
    raw = bytearray(segment(path, 1).read_bytes())
    raw[HEAD_END + FRAME_BYTES] ^= 1
    segment(path, 1).write_bytes(raw)
    assert seen_in(path) is None


def test_what_was_torn_is_cut_and_reported(tmp_path: Path) -> None:
    path = crashed(tmp_path, 800, 800)
    last = HEAD_END + FRAME_BYTES + 800
    os.truncate(segment(path, 1), last + 100)
    with closing(opened(path, slots=(1,), workers=2)) as other:
        assert len(read_all(other)[0]) == 2
        assert other.torn == [Torn(0, segment(path, 1), last, 100)]
    assert segment(path, 1).stat().st_size == last + 100, "only the owner cuts"
    with closing(opened(path)) as owner:
        assert len(read_all(owner)[0]) == 2
        assert owner.torn == [Torn(0, segment(path, 1), last, 100)]
    assert segment(path, 1).stat().st_size == last
    with closing(opened(path)) as owner:
        assert len(read_all(owner)[0]) == 2
        assert owner.torn == []


def test_what_was_not_yet_synced_may_have_holes(tmp_path: Path) -> None:
    path = crashed(tmp_path, 100, "sync", 800, 800)
    holed(path, 1, 1, 1)
    assert len(kept_in(path)[0]) == 2, "the whole frame behind the hole was not synced either"


def test_what_was_synced_may_not(tmp_path: Path) -> None:
    path = crashed(tmp_path, 800, 800, "sync", 100)
    file = holed(path, 1, 1, 1)
    with pytest.raises(StateError) as raised:
        kept_in(path)
    assert str(raised.value) == (
        f"expected a whole frame at byte {HEAD_END} of `{file}`, got bytes that are damaged; restore the file from a"
        f" backup, or {ELSEWHERE}"
    )


def test_what_a_run_left_behind_in_order_may_not(tmp_path: Path) -> None:
    path = crashed(tmp_path, 800, 800, "stop")
    holed(path, 1, 1, 1)
    with pytest.raises(StateError, match=f"expected a whole frame at byte {HEAD_END} of"):
        kept_in(path)


def test_a_segment_counts_before_the_record_hears_of_it(tmp_path: Path) -> None:
    path, left = tmp_path / "state", tmp_path / "left"
    run, record = Run(path), b""
    while not segment(path, 2).exists():
        record = (path / "slots" / "0").read_bytes()
        run.append(noise(1, 800))
    shutil.copytree(path, left)
    (left / "slots" / "0").write_bytes(record)
    again = Run(left)
    assert again.kept == run.kept
    while not segment(left, 3).exists():
        again.append(noise(1, 800))
    again.stop()
    assert kept_in(left) == again.kept


def test_a_frame_inside_a_payload_is_no_frame(tmp_path: Path) -> None:
    """Whoever sends events cannot make a torn tail look like damage."""
    forged = segment(crashed(tmp_path / "donor", 100, "sync", 100), 1).read_bytes()
    run = Run(tmp_path / "state")
    run.append(noise(1, 800) + forged)
    run.append(forged)
    shutil.copytree(tmp_path / "state", tmp_path / "left")
    holed(tmp_path / "left", 1, 1, 1)
    assert kept_in(tmp_path / "left")[0] == run.kept[0][:1]


WRITER = """
import sys
from pathlib import Path
from support.journals import Kept, Run, noise

run = Run(Path(sys.argv[1]))
for number in range(int(sys.argv[2]), 1 << 30):
    run.append(noise(number, 200 + number * 7 % 4_000))
    print(number, flush=True)
    if number % 50 == 0:
        run.journals[0].sync()
"""


def test_killed_again_and_again_it_keeps_all_that_was_appended(tmp_path: Path) -> None:
    path, dice = tmp_path / "state", random.Random(7)
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    count = 0
    for _ in range(8):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, path, str(count)], stdout=subprocess.PIPE, env=environment
        ) as process:
            assert process.stdout is not None
            for _, line in zip(range(dice.randrange(1, 400)), process.stdout, strict=False):
                count = int(line) + 1
            process.kill()
            rest = process.stdout.read().split(b"\n")[:-1]
        count = int(rest[-1]) + 1 if rest else count
        frames = [frame.payload for frame in kept_in(path)[0] if not frame.head]
        assert frames == [noise(number, 200 + number * 7 % 4_000) for number in range(len(frames))]
        assert count <= len(frames) <= count + 1
        count = len(frames)
