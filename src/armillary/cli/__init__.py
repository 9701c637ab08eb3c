"""The commands: armillary, vtctlclient and the processes' entry points."""
