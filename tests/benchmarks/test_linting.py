from pathlib import Path

from benchmarks.linting import FEATURES, RULES, write_pack
from rules import load
from rules.bounds import RULES_MAX


def test_the_large_pack_is_sound_and_uses_all_it_has(tmp_path: Path) -> None:
    loaded = load(write_pack(tmp_path))
    assert loaded.findings == ()
    assert loaded.pack is not None
    assert (len(loaded.pack.rules), len(loaded.pack.features)) == (RULES, FEATURES)
    assert RULES == RULES_MAX
