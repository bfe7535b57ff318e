"""Looks for original personal values in everything that a staging branch consists of.

    python -m tests.redteam path/to/hanok

Makes a staging branch of the school (examples/school) and searches its files: raw bytes, decompressed Parquet pages,
values, statistics and footers, Delta logs, the catalog, logs, error messages, leftovers. The same search of the parent
must find the values, or it proves nothing.
"""
