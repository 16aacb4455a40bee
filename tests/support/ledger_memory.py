"""Run as a program: fills a ledger with ids and prints what that took of memory, as JSON.

Takes the number of ids. It is a program of its own so that nothing else is measured.
"""

import json
import sys

import numpy as np

from support.window_memory import resident_bytes
from windows import Admission

BATCH = 8192


def main() -> None:
    """Prints entries and the bytes that are resident more than with a ledger of one batch."""
    admission, before = Admission(1000, 1000, 10**12, 10**12), 0
    for first in range(0, int(sys.argv[1]), BATCH):
        ids = np.random.default_rng(first).integers(1, 2**63, size=BATCH, dtype=np.uint64)
        admission.admit(ids, ids, np.arange(first, first + BATCH), None)
        before = before or resident_bytes()
    print(json.dumps({"entries": admission.next_serial - admission.oldest, "bytes": resident_bytes() - before}))


if __name__ == "__main__":
    main()
