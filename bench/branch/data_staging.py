"""data_staging.py FOLDER: a shop of 10M sales, 200,000 customers, 20,000 products and 2,000 stores, as Parquet. Nobody in it exists."""

import pathlib
import sys

import duckdb

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
TABLES = {
    "customers": """select 'C' || lpad(i::varchar, 7, '0') as customer_id, 'Family' || (hash(i) % 5000) || ' Given' || (hash(i + 7) % 9000) as name,
        '010-0' || lpad((hash(i + 1) % 1000)::varchar, 3, '0') || '-' || lpad((i % 10000)::varchar, 4, '0') as phone,
        'c' || i || '@example.invalid' as email, 'Street ' || (hash(i + 2) % 3000) || ', No. ' || (i % 97) as address,
        date '1950-01-01' + (hash(i + 3) % 20000)::int as born, (hash(i + 4) % 2000)::bigint as home_store
        from range(200000) r(i)""",
    "products": "select i as product_id, 'Product ' || i as title, (hash(i) % 10000) / 100.0 as price from range(20000) r(i)",
    "stores": "select i as store_id, 'Store ' || i as title, 'Town ' || (i % 300) as town from range(2000) r(i)",
    "sales": """select i as sale_id, 'C' || lpad((hash(i) % 200000)::varchar, 7, '0') as customer_id, (hash(i + 1) % 20000)::bigint as product_id,
        (hash(i + 2) % 2000)::bigint as store_id, timestamp '2024-01-01' + interval 1 second * (hash(i + 3) % 60000000)::bigint as sold_at,
        (1 + hash(i + 4) % 5)::bigint as quantity, (hash(i + 5) % 100000) / 100.0 as amount,
        'Family' || (hash(i + 6) % 5000) || ' Given' || (hash(i + 7) % 9000) as recipient from range(10000000) r(i)""",
}
for name, query in TABLES.items():
    path = folder / f"{name}.parquet"
    if not path.exists():
        duckdb.sql(f"copy ({query}) to '{path.with_suffix('.partial')}' (format parquet)")
        path.with_suffix(".partial").rename(path)
