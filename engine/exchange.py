"""The exchange: amounts of events as they are in the pack's currency."""

from operator import attrgetter

import numpy as np

from rules.columns import NumberColumn
from rules.rates import Rates, converted
from schemas import PRICED
from schemas.batches import Batch
from windows import NULL

_currency_of = attrgetter("currency")


class Exchange:
    """Knows the pack's currency, and what others were worth in it."""

    def __init__(self, currency: str, rates: Rates) -> None:
        self._currency = currency
        self._rates = rates

    def amounts(self, batch: Batch) -> NumberColumn:
        """Amounts in minor units of the pack's currency, as of each event's time.

        Missing where the event moves no money, or money of a currency that had no rate.
        """
        values, events = batch.amount_minor, batch.events
        try:
            foreign = list(map(_currency_of, events)).count(self._currency) < len(events)
        except AttributeError:
            foreign = True
        if not foreign:
            return NumberColumn(values, None)
        ours = [isinstance(event, PRICED) and event.currency == self._currency for event in events]
        missing = ~np.array(ours, dtype=np.bool_)
        values = np.where(missing, NULL, values)
        for at in np.flatnonzero(missing).tolist() if self._rates else ():
            event = events[at]
            if isinstance(event, PRICED):
                minor, then_ms = int(batch.amount_minor[at]), int(batch.timestamp_ms[at])
                amount = converted(minor, event.currency, then_ms, self._currency, self._rates)
                if amount is not None:
                    values[at], missing[at] = amount, False
        return NumberColumn(values, missing)
