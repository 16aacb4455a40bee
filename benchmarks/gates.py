"""The processes between two topics that are measured: riskgate itself, and the bare loop."""

import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks.variants import PACKS

STOP_TIMEOUT_S = 20

RISKGATE = "riskgate"
BARE = "bare"


def command(gate: str, bootstrap: str, in_topic: str, out_topic: str, dead_topic: str, pack: str = "w") -> list[str]:
    """How the gate is started; its consumer group is named after the output, which is fresh each time."""
    if gate == BARE:
        return [sys.executable, "-m", "benchmarks.bare", bootstrap, in_topic, out_topic, out_topic]
    ends = ["--kafka", bootstrap, "--in", in_topic, "--out", out_topic, "--dead", dead_topic, "--group", out_topic]
    return [sys.executable, "-m", "riskgate", "run", "--pack", str(PACKS / pack), *ends]


class Gate:
    """A gate's process under way."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.pid = process.pid
        self._process = process

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None


@contextmanager
def started(arguments: Sequence[str]) -> Iterator[Gate]:
    """Runs the gate until the block ends; one that ends earlier or badly fails the benchmark with what it said."""
    with tempfile.TemporaryFile() as said, subprocess.Popen(arguments, stdout=said, stderr=said) as process:
        try:
            yield Gate(process)
            ended_early = process.poll() is not None
            process.send_signal(signal.SIGTERM)
            code = process.wait(STOP_TIMEOUT_S)
        finally:
            process.kill()
        if ended_early or code:
            said.seek(0)
            raise SystemExit(f"`{' '.join(arguments)}` ended with {code}: {said.read().decode(errors='replace')}")
