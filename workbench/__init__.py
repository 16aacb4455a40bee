"""What an analyst does with a pack before it is live: running the tests inside its rules through the real engine."""

from workbench.cases import CaseResult, Gap, Report, run_cases

__all__ = ["CaseResult", "Gap", "Report", "run_cases"]
