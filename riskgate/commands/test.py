"""`riskgate test`: its arguments. `riskgate.testing` does the work."""

from pathlib import Path
from typing import Literal

import click


@click.command(name="test")
@click.argument("pack", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--overlay", metavar="NAME", help="Test the rules as overlays/NAME.yml of the pack makes them.")
@click.option(
    "--format", "form", type=click.Choice(["pretty", "json", "github", "junit"]), default="pretty", show_default=True
)
@click.option("--watch", is_flag=True, help="Run again after each change of the pack's files, until Ctrl-C.")
def command(pack: Path, overlay: str | None, form: Literal["pretty", "json", "github", "junit"], watch: bool) -> None:
    """Run the tests inside the rules of the folder PACK through the real engine, on a virtual clock.

    Exits 0 where all pass, 3 where one fails or the pack has errors. A live rule without a test that must match or
    without one that must not is told, and so is each part of a condition that no test has seen both true and false.
    """
    from riskgate.testing import run_tests, watch_tests

    if watch:
        watch_tests(pack, overlay, form)
    click.get_current_context().exit(run_tests(pack, overlay, form))
