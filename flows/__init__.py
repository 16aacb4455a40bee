"""The stream: batches flow from a source through decode and decide to a sink, on bytewax.

Files, pipes and Kafka are the sources and sinks. Nothing is acknowledged before its decision is delivered, and what
could not be read becomes a dead letter.
"""

from flows.batches import Arrival, LastingSink, LastingSource, Reached, Sink, Source, Verdicts
from flows.dataflow import Place, run, run_together
from flows.decider import Decider, Judge, Judgement
from flows.entries import Delivered, Entry
from flows.files import LineSink, LineSource, OutputClosedError
from flows.keeper import Keeper
from flows.lifecycle import FlowError, PeerGoneError, Stop, StoppedError, stopped_by_signals
from flows.pack_sources import FolderSource, PackAwayError, PackSource, StoreSource
from flows.pump import Pump
from flows.recall import Lists, Recall
from flows.recovery import kept_records
from flows.renewal import PackWatch, told_of_release
from flows.resumption import Resumed, resume
from flows.tally import Tally
from flows.workers import NoSink, NoSource, Worker

__all__ = [
    "Arrival",
    "Decider",
    "Delivered",
    "Entry",
    "FlowError",
    "FolderSource",
    "Judge",
    "Judgement",
    "Keeper",
    "LastingSink",
    "LastingSource",
    "LineSink",
    "LineSource",
    "Lists",
    "NoSink",
    "NoSource",
    "OutputClosedError",
    "PackAwayError",
    "PackSource",
    "PackWatch",
    "PeerGoneError",
    "Place",
    "Pump",
    "Reached",
    "Recall",
    "Resumed",
    "Sink",
    "Source",
    "Stop",
    "StoppedError",
    "StoreSource",
    "Tally",
    "Verdicts",
    "Worker",
    "kept_records",
    "resume",
    "run",
    "run_together",
    "stopped_by_signals",
    "told_of_release",
]
