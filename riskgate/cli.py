"""The `riskgate` command. Subcommands are imported when they are called, so that help and completion are instant."""

import sys
from importlib import import_module
from io import TextIOWrapper

import click
from click.shell_completion import get_completion_class

from riskgate.completing import completed
from riskgate.exits import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_USAGE

COMMANDS = {
    "approve": "Agree, as a second person, to a rule that is to go live.",
    "backtest": "Show what the rules of a pack would have done on past events.",
    "demo": "Run the main job on a simulated stream with planted fraud, and watch it.",
    "diff": "Show which decisions change from one pack to another, on the same past events.",
    "explain": "Say why an event was decided as it was, and what would have changed that.",
    "features": "List what a pack counts, over which time, and which rules read it.",
    "health": "Tell whether the run that owns a state directory makes progress.",
    "history": "Show who put which version of a pack in force, when and why.",
    "lint": "Check a pack and show every finding with its place.",
    "lists": "Show and change what the lists of a pack hold, in its files or in a store.",
    "new": "Begin a rule: a commented text with tests that pass.",
    "promote": "Raise the mode of a rule that is tested and backtested, and record it.",
    "publish": "Put a pack in force in a store, where runs take it.",
    "replay": "Decide past events again and show whether the decisions are those that were given.",
    "rollback": "Take a pack back to a version that was in force before.",
    "run": "Decide a stream of events from a file, a pipe or Kafka.",
    "shadow-report": "Show what shadow and live rules hit by the decisions that were given.",
    "state": "Show what a state directory holds, without taking it.",
    "suggest": "Tell which rules can go, and which threshold would catch what is missed.",
    "test": "Run the tests inside a pack's rules.",
    "tune": "Choose params of a rule by what they cost on past events.",
}
"""Subcommands and what they do; `riskgate.commands.NAME.command`, with `_` for `-`, is the click command."""


class _Commands(click.Group):
    """Knows its subcommands by name and loads only the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*COMMANDS, *super().list_commands(ctx)])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        command: click.Command = import_module(f"riskgate.commands.{cmd_name.replace('-', '_')}").command
        return completed(command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        own = {name: command.get_short_help_str() for name, command in self.commands.items()}
        with formatter.section("Commands"):
            formatter.write_dl(sorted((COMMANDS | own).items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="riskgate", message="riskgate %(version)s")
def cli() -> None:
    """Decides for each transaction whether to allow, review, step up or block it, and says why.

    Exit codes: 0 fine, 1 usage or crash, 2 warnings under --strict, 3 findings.
    """


@cli.command(short_help="Print a completion script of a shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a completion script of a shell.

    \b
    eval "$(riskgate completion bash)"             in ~/.bashrc
    eval "$(riskgate completion zsh)"              in ~/.zshrc
    riskgate completion fish | source              in ~/.config/fish/config.fish

    Commands, options, files and choices are completed, and of the pack that is named before: rules, overlays, lists.
    """
    completer = get_completion_class(shell)
    if completer is None:
        raise click.UsageError(f"click cannot complete in {shell}")
    click.echo(completer(cli, {}, "riskgate", "_RISKGATE_COMPLETE").source())


def main() -> None:
    """Runs the command and exits with its code."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # not every terminal has every character
    try:
        code = cli.main(prog_name="riskgate", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = EXIT_USAGE
    except click.Abort:
        code = EXIT_INTERRUPTED
    except OSError as error:  # such as a full disk behind standard output
        click.echo(f"riskgate: error: {error.strerror}", err=True)
        code = EXIT_FAILED
    sys.exit(code if isinstance(code, int) else 0)
