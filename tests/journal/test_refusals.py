"""What cannot be a run's state directory is told in a sentence, which says what to do."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from journal import Identity, StateDirectory, StateError
from support.journals import IDENTITY, KEY, Run, kept_in, noise, opened, read_all, segment
from support.services import ROOT, wait_until

ELSEWHERE = "start with another empty directory: --state OTHER (its windows begin empty)"
RESTORE = f"restore the file from a backup, or {ELSEWHERE}"


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with two slots, each with three segments or more."""
    monkeypatch.setattr("journal.writer.SEGMENT_BYTES", 1_000)
    path = tmp_path / "state"
    run = Run(path, slots=(0, 1), workers=2)
    for at in range(16):
        run.append(noise(at, 400), slot=at % 2)
    run.stop()
    return path


def refusal(path: Path, identity: Identity = IDENTITY) -> str:
    with pytest.raises(StateError) as raised, closing(opened(path, identity=identity)) as directory:
        read_all(directory)
    return str(raised.value)


def snapshot(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_another_pack(state: Path) -> None:
    before = snapshot(state)
    assert refusal(state, Identity("wallet", "5ca1ab1e")) == (
        f"expected the state of pack `wallet`, got that of pack `game-points` in `{state}/manifest.json`;"
        f" run that pack, or {ELSEWHERE}"
    )
    assert snapshot(state) == before


def test_the_same_pack_with_other_features(state: Path) -> None:
    assert refusal(state, Identity("game-points", "0ddba11")) == (
        "expected state for what the features and detectors of pack `game-points` read now (0ddba11), got state for"
        f" what they read before (5ca1ab1e) in `{state}/manifest.json`; go back to those features and detectors,"
        f" or {ELSEWHERE}"
    )


@pytest.mark.parametrize(("form", "age"), [(0, "an older"), (2, "a newer")])
def test_another_format(state: Path, form: int, age: str) -> None:
    """Whatever else a manifest of that format holds."""
    (state / "manifest.json").write_text(json.dumps({"format": form, "owner": "game-points"}), encoding="utf-8")
    assert refusal(state) == (
        f"expected format 1, got {form} in `{state}/manifest.json`: {age} riskgate wrote it; go on with that one,"
        f" or {ELSEWHERE}"
    )


def test_a_segment_of_another_format(state: Path) -> None:
    raw = bytearray(segment(state, 1).read_bytes())
    raw[8] = 9
    segment(state, 1).write_bytes(raw)
    assert refusal(state) == (
        f"expected a segment's header at byte 0 of `{segment(state, 1)}`, got a header that is damaged; {RESTORE}"
    )


@pytest.mark.parametrize(
    ("text", "got"),
    [
        ("", "Input data was truncated"),
        ("state", "JSON is malformed: invalid character (byte 0)"),
        ("[]", "Expected `object`, got `array`"),
        ("{}", "Object missing required field `format`"),
        ('{"format": 1}', "Object missing required field `pack`"),
        ('{"format": "\udcff"}', "Expected `int`, got `str` - at `$.format`"),
        (
            '{"format":1,"pack":"a","signature":"b","hash_key":"c","more":1}',
            "Object contains unknown field `more`",
        ),
        ('{"format":1,"pack":"a","signature":"b","hash_key":"c","checksum":7}', None),
    ],
)
def test_a_manifest_that_is_none(state: Path, text: str, got: str | None) -> None:
    (state / "manifest.json").write_bytes(text.encode("utf-8", errors="surrogateescape"))
    what = "one that is damaged" if got is None else f": {got}"
    assert (
        refusal(state) == f"expected a manifest in `{state}/manifest.json`, got{' ' * (got is None)}{what}; {RESTORE}"
    )


def test_a_directory_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    assert refusal(tmp_path) == (
        f"expected a directory that is empty or has a `manifest.json`, got `{tmp_path}` with `notes.txt`; name another"
        " directory: --state OTHER, or restore `manifest.json` from a backup"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_lost_manifest(state: Path) -> None:
    (state / "manifest.json").unlink()
    before = snapshot(state)
    assert refusal(state) == (
        f"expected a directory that is empty or has a `manifest.json`, got `{state}` with `segments`; name another"
        " directory: --state OTHER, or restore `manifest.json` from a backup"
    )
    assert snapshot(state) == before


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.write_bytes(b"")
    assert refusal(path) == f"expected a state directory, got the file `{path}`; name a directory: --state OTHER"
    assert refusal(path / "deeper") == (
        f"expected a state directory, got the file `{path}/deeper`; name a directory: --state OTHER"
    )


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_removed_segment(state: Path, at: int) -> None:
    segment(state, at).unlink()
    assert refusal(state) == (f"expected the segments 1 to 3 of slot 0, got no `{segment(state, at)}`; {RESTORE}")


def test_all_segments_removed(state: Path) -> None:
    """Windows never begin empty where nobody asked for it."""
    for path in (state / "segments").iterdir():
        path.unlink()
    assert refusal(state) == f"expected the segments 1 to 3 of slot 0, got no `{segment(state, 1)}`; {RESTORE}"
    (state / "segments").rmdir()
    assert refusal(state) == (
        f"expected a folder of a state directory, got `{state}/segments`: No such file or directory; {RESTORE}"
    )


@pytest.mark.parametrize("slot", [0, 1])
def test_a_removed_record(state: Path, slot: int) -> None:
    (state / "slots" / str(slot)).unlink()
    assert refusal(state) == (
        f"expected the record of a slot, got `{state}/slots/{slot}`: No such file or directory; {RESTORE}"
    )


def test_a_segment_behind_the_last(state: Path) -> None:
    shutil.copy(segment(state, 3), segment(state, 5))
    assert refusal(state) == (f"expected no segment of slot 0 behind number 3, got `{segment(state, 5)}`; {RESTORE}")


@pytest.mark.parametrize("raw", [b'{"first":3,"last":3}', b'{"host":"\xff"}' + b" " * 9, b" ", b"x" * 10_000])
def test_a_damaged_record(state: Path, raw: bytes) -> None:
    (state / "slots" / "0").write_bytes(raw)
    assert refusal(state) == (
        f"expected the record of a slot in `{state}/slots/0`, got bytes that are damaged; {RESTORE}"
    )


def test_a_segment_of_another_time(state: Path, tmp_path: Path) -> None:
    run = Run(tmp_path / "other")
    for at in range(6):
        run.append(noise(at, 400))
    run.stop()
    shutil.copy(segment(tmp_path / "other", 2), segment(state, 2))
    assert refusal(state) == (
        f"expected a segment's header at byte 0 of `{segment(state, 2)}`, got the header of one that did not follow on"
        f" `0-00000001.log`; {RESTORE}"
    )


def test_a_segment_in_the_place_of_another(state: Path) -> None:
    shutil.copy(segment(state, 3), segment(state, 2))
    assert refusal(state) == (
        f"expected a segment's header at byte 0 of `{segment(state, 2)}`, got the header of slot 0, number 3; {RESTORE}"
    )


def test_a_segment_that_ends_early(state: Path) -> None:
    """Between two frames, where nothing within shows it."""
    size = segment(state, 1).stat().st_size
    os.truncate(segment(state, 1), size - 432)
    assert refusal(state) == f"expected {size} bytes in `{segment(state, 1)}`, got {size - 432}; {RESTORE}"


def test_a_segment_without_its_head(state: Path) -> None:
    os.truncate(segment(state, 3), 48)
    assert refusal(state) == (f"expected a whole frame at byte 48 of `{segment(state, 3)}`, got none; {RESTORE}")


@pytest.mark.parametrize(
    "name", ["segments/notes.txt", "segments/0-1.log", "segments/00-00000001.log", "slots/x", "slots/01"]
)
def test_a_strange_file(state: Path, name: str) -> None:
    (state / name).write_bytes(b"")
    assert refusal(state) == (
        f"expected only files that riskgate wrote, got `{state}/{name}`; move it away, or {ELSEWHERE}"
    )


@pytest.mark.parametrize("name", ["segments/0-00000001.log", "slots/0"])
def test_a_directory_where_a_file_should_be(state: Path, name: str) -> None:
    (state / name).unlink()
    (state / name).mkdir()
    assert refusal(state) == (
        f"expected only files that riskgate wrote, got `{state}/{name}`; move it away, or {ELSEWHERE}"
    )


def test_a_directory_where_the_manifest_should_be(state: Path) -> None:
    (state / "manifest.json").unlink()
    (state / "manifest.json").mkdir()
    assert refusal(state) == (
        f"expected the manifest of a state directory, got `{state}/manifest.json`: Is a directory; {RESTORE}"
    )


def test_leftovers_of_an_interrupted_creation_are_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "lost+found").mkdir()
    (tmp_path / "segments").mkdir()
    (tmp_path / "slots").mkdir()
    (tmp_path / "manifest.json.tmp").write_text('{"format":', encoding="utf-8")
    run = Run(tmp_path)
    run.append(b"x")
    run.stop()
    assert kept_in(tmp_path) == run.kept
    assert {path.name for path in tmp_path.iterdir()} == {"lost+found", "segments", "slots", "manifest.json"}


def test_a_leftover_of_an_interrupted_segment_is_removed(state: Path) -> None:
    (state / "segments" / "0.tmp").write_bytes(b"riskgate")
    kept_in(state)
    assert not (state / "segments" / "0.tmp").exists()


def test_a_directory_is_made_once_by_many_at_a_time(tmp_path: Path) -> None:
    path, unfinished = tmp_path / "a" / "b", tmp_path / "a" / "b" / "manifest.json.tmp"
    opened_by: list[StateDirectory] = []

    def waiting() -> int:
        locks = Path("/proc/locks").read_text(encoding="ascii").splitlines()
        return sum("->" in lock and f":{unfinished.stat().st_ino} " in lock for lock in locks)

    def new_key() -> bytes:
        wait_until(lambda: waiting() == 7, 60, "all others waiting for the one that makes it")
        return KEY

    def start(slot: int) -> None:
        opened_by.append(StateDirectory.open(path, IDENTITY, new_key, (slot,), 8))

    threads = [threading.Thread(target=start, args=(slot,)) for slot in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [directory.hash_key for directory in opened_by] == [KEY] * 8


@pytest.mark.parametrize(("slots", "workers"), [((0,), 0), ((1,), 1), ((-1,), 1), ((0,), 5_000)])
def test_slots_that_no_run_can_have(tmp_path: Path, slots: tuple[int, ...], workers: int) -> None:
    with pytest.raises(ValueError, match="expected slots of 1 to 4096 workers, got"):
        StateDirectory.open(tmp_path, IDENTITY, lambda: KEY, slots, workers)


OWNER = """
import sys
from pathlib import Path
from support.journals import Run

run = Run(Path(sys.argv[1]), slots=(1,), workers=2)
print("owns", flush=True)
sys.stdin.read()
"""


@contextmanager
def owned(path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """While another process writes slot 1."""
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    command = [sys.executable, "-c", OWNER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"owns\n"
        yield process
        process.kill()


def test_a_directory_in_use(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("journal.slots.CLAIM_S", 0)
    with owned(state) as owner:
        message = (
            f"expected a state directory that no other run writes to, got `{state}/slots/1` in use by process"
            f" {owner.pid} on `{os.uname().nodename}`; end that run, or {ELSEWHERE}"
        )
        with pytest.raises(StateError) as raised:
            opened(state, slots=(0, 1), workers=2)
        assert str(raised.value) == message
        assert refusal(state) == message, "an orphan is taken as well"
        with closing(opened(state, slots=(0,), workers=2)) as other:
            assert len(read_all(other)) == 2, "another process of the same run"


def test_a_killed_owner_is_waited_for(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("journal.slots.CLAIM_S", 60)
    with owned(state) as owner:
        taken: list[StateDirectory] = []
        thread = threading.Thread(target=lambda: taken.append(opened(state)))
        thread.start()
        owner.kill()
        thread.join()
        assert len(taken) == 1
        assert len(read_all(taken[0])) == 2
