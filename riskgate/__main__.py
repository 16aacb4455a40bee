"""`python -m riskgate`."""

from riskgate.cli import main

main()
