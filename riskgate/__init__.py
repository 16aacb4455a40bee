"""The command: parsing arguments and printing, nothing else."""
