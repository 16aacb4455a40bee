"""`riskgate new`: its arguments. `riskgate.beginnings` does the work."""

from pathlib import Path

import click


@click.group(name="new")
def command() -> None:
    """Begin something new in a pack."""


@command.command(name="rule")
@click.argument("pack", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("rule_id", metavar="ID")
@click.option(
    "--append", "file", metavar="FILE", help="Append it to this rule file of the pack, made where it is missing."
)
def rule(pack: Path, rule_id: str, file: str | None) -> None:
    """Print the beginning of a rule with this ID for the folder PACK: commented, with a test on either side.

    It passes `riskgate lint` and `riskgate test` as it is, in shadow mode. Exits 3 where the pack has errors.
    """
    from riskgate.beginnings import begin_rule

    click.get_current_context().exit(begin_rule(pack, rule_id, file))
