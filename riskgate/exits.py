"""What commands exit with; `riskgate --help` says it."""

EXIT_FINE = 0
EXIT_USAGE = EXIT_FAILED = 1
EXIT_WARNINGS = 2
EXIT_FINDINGS = 3
"""A pack has errors, or what was compared is not the same."""

EXIT_INTERRUPTED = 130
