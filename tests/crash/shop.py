"""The project that is killed: a shop's orders, clicks, stock and prices, their models and features; and its files."""

import io
import json
import random
import time
from dataclasses import dataclass

CUSTOMERS = 150
PRODUCTS = 60
START = 1767225600
"""2026-01-01T00:00:00Z."""
SAMPLE = 50
"""Keys whose online values are compared."""

PROJECT = {
    "hanok.yaml": """
name: crash
version: 1
models:
  +schema: mart
  +materialized: table
""",
    "sources/shop.yaml": """
sources:
  - name: orders
    files: [data/orders/*.csv]
    columns: { order_id: int64, cents: int64, ordered_at: timestamp }
    contract: evolve
  - name: clicks
    files: [data/clicks/*.jsonl]
    columns: { clicked_at: timestamp, seen_at: timestamp, clicks: int64 }
    contract: evolve
  - name: stock
    files: [data/stock/*.parquet]
  - name: prices
    files: [data/prices.csv]
    disposition: replace
    columns: { cents: int64 }
""",
    "models/order_lines.sql": """
select o.order_id, o.customer, o.product, o.ordered_at, o.cents, p.cents as list_cents
from {{ source('raw', 'orders') }} as o
left join {{ source('raw', 'prices') }} as p on p.product = o.product
""",
    "models/customer_spend.sql": """
select
    customer,
    date_trunc('hour', ordered_at) + interval '1 hour' as event_timestamp,
    count(*) as orders,
    sum(cents) as cents,
    max(list_cents) as dearest_cents
from {{ ref('order_lines') }}
group by customer, date_trunc('hour', ordered_at)
""",
    "models/daily_sales.sql": """
select date_trunc('day', ordered_at) as day, product, count(*) as orders, sum(cents) as cents
from {{ ref('order_lines') }}
group by date_trunc('day', ordered_at), product
""",
    "models/stock_levels.sql": """
{{ config(materialized='view') }}
select product, counted_at as event_timestamp, level from {{ source('raw', 'stock') }}
""",
    "models/models.yml": """
version: 2
models:
  - name: order_lines
    columns:
      - { name: order_id, tests: [unique, not_null] }
      - { name: customer, tests: [not_null] }
  - name: customer_spend
    columns:
      - { name: event_timestamp, tests: [not_null] }
""",
    "features/features.yaml": """
entities:
  - { name: customer, type: string }
  - { name: product, type: string }
feature_views:
  - name: customer_spend
    entities: [customer]
    source: { table: mart.customer_spend }
    timestamp: event_timestamp
    features:
      - { name: orders, type: int64 }
      - { name: cents, type: int64 }
      - { name: dearest_cents, type: int64 }
  - name: last_click
    entities: [customer]
    source: { table: raw.clicks }
    timestamp: clicked_at
    created: seen_at
    features:
      - { name: page, type: string }
      - { name: clicks, type: int64 }
  - name: product_stock
    entities: [product]
    source: { table: mart.stock_levels }
    timestamp: event_timestamp
    features:
      - { name: level, type: int64 }
feature_services:
  - name: shop
    features: [{ view: customer_spend }, { view: last_click }, { view: product_stock }]
""",
}
STOCK_LEVELS = "models/stock_levels.sql"
VIEWS = {"mart.stock_levels": [("product", "view"), ("event_timestamp", "view"), ("level", "view")]}
FEATURES = {
    "customer_spend": ["orders", "cents", "dearest_cents"],
    "last_click": ["page", "clicks"],
    "product_stock": ["level"],
}


@dataclass
class File:
    """A new or changed file of a project."""

    path: str
    content: bytes


class Maker:
    """Makes the files of a project. All rows of all files have ids of their own."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.number = 0
        self.stock_levels_is_table = False

    def base(self) -> list[File]:
        large = [self.orders(1200), self.orders(900), self.clicks(1200), self.clicks(900)]
        return [*large, self.stock(500), self.prices()]

    def some(self) -> list[File]:
        """The new files of a round: of one source, of some, or of all."""
        makers = [self.orders, self.clicks, self.stock]
        files = [make(self.rng.randint(150, 450)) for make in self.rng.sample(makers, self.rng.randint(1, 3))]
        if self.rng.random() < 0.5:
            files.append(self.prices())
        return files

    def other_kind(self) -> list[File]:
        """Sometimes: the model that was a view becomes a table, or the other way round."""
        if self.rng.random() < 0.7:
            return []
        self.stock_levels_is_table = not self.stock_levels_is_table
        kind = "table" if self.stock_levels_is_table else "view"
        return [File(STOCK_LEVELS, PROJECT[STOCK_LEVELS].replace("'view'", f"'{kind}'").encode())]

    def hour(self) -> int:
        self.number += 1
        return self.number

    def time(self, row: int) -> str:
        # Each file is about the next hour, so that most values are newer than those before; some come late.
        hours = self.number - (self.rng.randint(1, 30) if self.rng.random() < 0.05 else 0)
        micros = row * 1009 + self.number
        second = time.gmtime(START + hours * 3600 + micros // 10**6)
        return time.strftime("%Y-%m-%dT%H:%M:%S", second) + f".{micros % 10**6:06}Z"

    def orders(self, rows: int) -> File:
        number, lines = self.hour(), ["order_id,customer,product,cents,ordered_at,note"]
        for row in range(rows):
            cents: object = self.rng.randint(1, 99_999)
            kind = self.rng.random()
            if kind < 0.01:
                cents = "oops"
            note = '"a, b"' if kind > 0.9 else ("" if kind > 0.5 else "ä 서울")
            line = f"{number * 10_000 + row},{self.customer()},{self.product()},{cents},{self.time(row)},{note}"
            lines.append(line + ",one,too,many" if 0.01 <= kind < 0.015 else line)
        return File(f"data/orders/{number:05}.csv", ("\n".join(lines) + "\n").encode())

    def clicks(self, rows: int) -> File:
        number, lines = self.hour(), []
        for row in range(rows):
            click = {
                "click_id": number * 10_000 + row,
                "customer": self.customer(),
                "page": f"/p/{self.rng.randint(0, 999)}",
                "clicks": row,
                "clicked_at": self.time(row),
                "seen_at": self.time(rows + row),
            }
            # A column more from time to time, and one whose type turns out wider at the end of its file.
            if number % 8 == 7:
                click[f"extra_{number % 3}"] = row if row < rows - 5 else row + 0.5
            line = json.dumps(click)
            lines.append(line[:-9] if self.rng.random() < 0.01 else line)
        return File(f"data/clicks/{number:05}.jsonl", ("\n".join(lines) + "\n").encode())

    def stock(self, rows: int) -> File:
        import polars

        number = self.hour()
        start = START * 10**6 + number * 3600 * 10**6
        frame = polars.DataFrame(
            {
                "count_id": [number * 10_000 + row for row in range(rows)],
                "product": [self.product() for _ in range(rows)],
                "level": [self.rng.choice([None, *range(50)]) for _ in range(rows)],
                "weight": [self.rng.random() for _ in range(rows)],
                "counted_at": polars.Series([start + row for row in range(rows)]).cast(polars.Datetime("us", "UTC")),
            }
        )
        sink = io.BytesIO()
        frame.write_parquet(sink)
        return File(f"data/stock/{number:05}.parquet", sink.getvalue())

    def prices(self) -> File:
        lines = ["product,cents,label"]
        lines += [f"p{product:02},{self.rng.randint(1, 99_999)},label {product}" for product in range(PRODUCTS)]
        # Sometimes none: then a replace has to empty the rejects.
        lines += [f"q{row},dear,broken" for row in range(self.rng.choice([0, 0, 2, 5]))]
        return File("data/prices.csv", ("\n".join(lines) + "\n").encode())

    def customer(self) -> str:
        return f"c{self.rng.randrange(CUSTOMERS):03}"

    def product(self) -> str:
        return f"p{self.rng.randrange(PRODUCTS):02}"
