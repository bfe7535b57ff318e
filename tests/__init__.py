"""What looks at Hanok from outside, in Python: other people's clients, oracles, faults and crashes. `scripts/test` runs
them; one alone, from the repository: `python -m tests.joins PATH_TO_HANOK`, with `tests/requirements.txt` installed."""
