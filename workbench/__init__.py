"""What an analyst does with a pack before it is live: running its tests, and measuring it on past events.

A backtest goes from `history` (events of a file) over `feature_table` (what rules see of each, computed once by the
live engine) and `labels` (what was known of them) to `evaluation` (what each rule hits) and `measurement` (what that is
worth); `reports` puts it into a document.
"""

from workbench.cases import CaseResult, Gap, Report, run_cases
from workbench.coverage import Branch

__all__ = ["Branch", "CaseResult", "Gap", "Report", "run_cases"]
