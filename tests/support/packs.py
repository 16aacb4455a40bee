"""Small packs for tests, written to a folder."""

from pathlib import Path

import rules
from rules import Pack

HEAD = """\
schema: 1
pack: small
owner: testers
currency: CNY
defaults: {event: payment, mode: live}
features:
  tx_10m: {count: event, by: user_id, over: 10m}
  spend_1h: {sum: amount, by: user_id, over: 1h}
  mean_1h: {mean: amount, by: user_id, over: 1h}
  user_age: {age: user_id, over: 1d}
  odd: {count: event, by: user_id, over: 1h, event: login}
"""


def write_pack(folder: Path, rules_yaml: str, head: str = HEAD) -> Path:
    """Writes `pack.yml` and `rules.yml` to `folder`."""
    (folder / "pack.yml").write_text(head)
    (folder / "rules.yml").write_text("rules:\n" + rules_yaml)
    return folder


def load_pack(folder: Path) -> Pack:
    """The pack in `folder`, which must load; its warnings do not matter."""
    loaded = rules.load(folder)
    assert loaded.pack is not None, loaded.findings
    return loaded.pack
