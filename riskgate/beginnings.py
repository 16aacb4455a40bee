"""The work of `riskgate new`: print the beginning of a rule, or append it to a file."""

from pathlib import Path

import click

import rules
from riskgate.exits import EXIT_FINDINGS, EXIT_FINE
from rules.findings import render
from workbench.skeletons import SkeletonError, appended, skeleton


def begin_rule(path: Path, rule_id: str, file: str | None) -> int:
    """Returns the exit code."""
    loaded = rules.load(path)
    if loaded.pack is None:
        click.echo(render(loaded.findings), err=True)
        return EXIT_FINDINGS
    try:
        item = skeleton(loaded.pack, rule_id)
        if file is None:
            click.echo(item, nl=False)
        else:
            _append(path, file, item)
            click.echo(f"{path / file}: begun the rule `{rule_id}`, which is in shadow mode", err=True)
    except SkeletonError as error:
        raise click.UsageError(str(error)) from error
    return EXIT_FINE


def _append(pack: Path, name: str, item: str) -> None:
    """Raises SkeletonError."""
    if Path(name).name != name or not name.endswith((".yml", ".yaml")):
        raise SkeletonError(f"expected the name of a rule file such as `cards.yml`, beside `pack.yml`, got `{name}`")
    file = pack / name
    file.write_text(appended(file.read_text(encoding="utf-8") if file.exists() else "", name, item), encoding="utf-8")
