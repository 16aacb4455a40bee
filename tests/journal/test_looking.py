"""Who only looks at a state directory sees all that its run has written, and leaves it alone."""

from pathlib import Path

import pytest

from journal import Identity, StateDirectory, StateError
from support.journals import IDENTITY, KEY, Run, read_all, segment


def test_a_run_that_goes_on_is_read(tmp_path: Path) -> None:
    run = Run(tmp_path, slots=(0, 1), workers=2)
    for number in range(50):
        run.append(b"%d" % number * 1_000, slot=number % 2)
    looking = StateDirectory.look(tmp_path, IDENTITY)
    assert looking.hash_key == KEY
    assert read_all(looking) == run.kept
    with segment(tmp_path, 1).open("ab") as file:
        file.write(b"a frame that is being written")
    size = segment(tmp_path, 1).stat().st_size
    again = StateDirectory.look(tmp_path, IDENTITY)
    assert read_all(again) == run.kept
    assert [(torn.slot, torn.torn_bytes) for torn in again.torn] == [(0, 29)]
    assert segment(tmp_path, 1).stat().st_size == size
    run.stop()


def test_another_packs_directory_and_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StateError, match=r"got .* without `manifest.json`"):
        StateDirectory.look(tmp_path / "none", IDENTITY)
    assert not (tmp_path / "none").exists()
    Run(tmp_path).stop()
    with pytest.raises(StateError, match="expected the state of pack `other`"):
        StateDirectory.look(tmp_path, Identity("other", IDENTITY.signature))
    with pytest.raises(StateError, match="expected state for what the features"):
        StateDirectory.look(tmp_path, Identity(IDENTITY.pack, "0"))
