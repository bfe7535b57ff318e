"""peer_staging.py PARQUET_FOLDER OUT: the same sample by hand-written SQL in DuckDB, with hashes in place of masks.

5 % of the customers by a hash of their key, their sales, what those refer to. Nothing is checked, reported or signed, fakes are
not names, and dates are not moved; the rows are the same kind of work.
"""

import pathlib
import sys

import duckdb

source, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
out.mkdir(parents=True, exist_ok=True)
db = duckdb.connect()
for name in ("customers", "products", "stores", "sales"):
    db.sql(f"create view {name} as from '{source}/{name}.parquet'")


def masked(column: str) -> str:
    return f"left(sha256('secret' || {column}), 32) as {column}"


db.sql("create table kept as select * from customers where hash('secret' || customer_id) % 1000000 < 50000")
db.sql("create table sold as select * from sales where customer_id in (select customer_id from kept)")
QUERIES = {
    "customers": f"select {', '.join(map(masked, ('customer_id', 'name', 'phone', 'email', 'address')))}, date_trunc('year', born) as born, home_store from kept",
    "sales": f"select sale_id, {masked('customer_id')}, product_id, store_id, sold_at, quantity, amount, {masked('recipient')} from sold",
    "products": "from products where product_id in (select product_id from sold)",
    "stores": "from stores where store_id in (select store_id from sold) or store_id in (select home_store from kept)",
}
for name, query in QUERIES.items():
    db.sql(f"copy ({query}) to '{out}/{name}.parquet' (format parquet)")
