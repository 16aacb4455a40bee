"""Where a pack is, as several commands take it; apart from other options, since it imports nothing heavy."""

import re
from pathlib import Path
from typing import Any

import click

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_PACK_NAME = re.compile(r"[a-z0-9]{1,64}(-[a-z0-9]{1,64}){0,8}", re.ASCII)


class PackType(click.ParamType[Path | str]):
    """The folder of a pack, or `store:NAME` for one in a store."""

    name = "pack"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path | str:
        text = str(value)
        if not text.startswith("store:"):
            folder: Path = _FOLDER.convert(value, param, ctx)
            return folder
        if not _PACK_NAME.fullmatch(text.removeprefix("store:")):
            self.fail(f"expected the name of a pack such as `store:game-points`, got `{text}`", param, ctx)
        return text


STORE = click.option(
    "--store",
    "store_url",
    metavar="URL",
    envvar="RISKGATE_STORE",
    help="The store that has the versions of the pack, and says which is in force: redis://HOST:6379/0.",
)
