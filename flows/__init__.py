"""The stream: batches flow from a source through decode and decide to a sink, on bytewax.

Files, pipes and Kafka are the sources and sinks. Nothing is acknowledged before its decision is delivered, and what
could not be read becomes a dead letter.
"""

from flows.batches import Arrival, Sink, Source, Verdicts
from flows.dataflow import run
from flows.decider import Decider, Judge, Judgement
from flows.files import LineSink, LineSource, OutputClosedError
from flows.lifecycle import FlowError, Stop, stopped_by_signals
from flows.recall import Lists, Recall
from flows.tally import Tally

__all__ = [
    "Arrival",
    "Decider",
    "FlowError",
    "Judge",
    "Judgement",
    "LineSink",
    "LineSource",
    "Lists",
    "OutputClosedError",
    "Recall",
    "Sink",
    "Source",
    "Stop",
    "Tally",
    "Verdicts",
    "run",
    "stopped_by_signals",
]
