"""`riskgate test`: its arguments. `riskgate.testing` does the work."""

from pathlib import Path

import click


@click.command(name="test")
@click.argument("pack", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--overlay", metavar="NAME", help="Test the rules as overlays/NAME.yml of the pack makes them.")
@click.option("--format", "form", type=click.Choice(["pretty", "json"]), default="pretty", show_default=True)
def command(pack: Path, overlay: str | None, form: str) -> None:
    """Run the tests inside the rules of the folder PACK through the real engine, on a virtual clock.

    Exits 0 where all pass, 3 where one fails or the pack has errors. A live rule without a test that must match or
    without one that must not is told.
    """
    from riskgate.testing import run_tests

    click.get_current_context().exit(run_tests(pack, overlay, form))
