"""`riskgate demo`: its arguments. `riskgate.demonstration` does the work."""

import click

SEED = 7
EVENTS = 300_000


@click.command(name="demo")
@click.option("--seed", type=int, default=SEED, show_default=True, help="Another seed gives another stream.")
@click.option(
    "--events",
    type=click.IntRange(1_000, 5_000_000),
    default=EVENTS,
    show_default=True,
    help="About how long the stream is.",
)
@click.option("--plain", is_flag=True, help="Plain lines even in a terminal.")
def command(seed: int, events: int, plain: bool) -> None:
    """Run the main job on a simulated stream with planted fraud, and watch it."""
    from riskgate.demonstration import run_demo

    click.get_current_context().exit(run_demo(seed, events, plain))
