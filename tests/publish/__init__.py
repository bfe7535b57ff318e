"""`hanok staging publish` from outside: what PostgreSQL, SQLite and Parquet readers find, what is refused, what a killed
publication leaves, and a service on two branches. `python -m tests.publish HANOK`.

PostgreSQL runs on 127.0.0.1 with a data folder of its own. Where its programs are not installed the tests fail, unless
HANOK_TEST_ALLOW_SKIP=1."""
