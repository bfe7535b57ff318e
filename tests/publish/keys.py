"""Keys, references and indexes as clients reflect them, and publishing again."""

import sqlalchemy

from .check import equal
from .school import School


def reflected(url: str, school: School) -> None:
    """What SQLAlchemy finds in a database of the school, published with its plan."""
    engine = sqlalchemy.create_engine(url)
    inspector = sqlalchemy.inspect(engine)
    keys = {table: inspector.get_pk_constraint(table)["constrained_columns"] for table in ("classes", "meals", "신청")}
    equal("primary keys", keys, {"classes": ["class_id"], "meals": ["meal_id"], "신청": ["학번", "날짜"]})
    references = {
        (table, *key["constrained_columns"], key["referred_table"], *key["referred_columns"])
        for table in ("classes", "students", "신청")
        for key in inspector.get_foreign_keys(table)
    }
    equal("references", references, {
        ("classes", "leader_id", "students", "student_id"),
        ("students", "class_id", "classes", "class_id"),
        ("신청", "학번", "students", "student_id"),
    })
    indexes = sorted(index["column_names"] for index in inspector.get_indexes("students"))
    equal("indexes", indexes, [["class_id", "born"], ["name"]])
    with engine.connect() as connection:
        found = connection.execute(sqlalchemy.text('select 학번, "order" from 신청 order by 1, 2')).all()
        equal("rows with Korean names", [tuple(row) for row in found], [(11, 1), (12, 1), (12, 2)])
        record = connection.execute(sqlalchemy.text("select branch, row_count from hanok_published order by table_name"))
        equal("the record", [tuple(row) for row in record], [("main", 2), ("main", 2), ("main", 3), ("main", 3)])
    engine.dispose()


def again(url: str, published_to: str, school: School, *args: object) -> None:
    """A second publication replaces the first, whatever the service wrote in between."""
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("update students set name = 'x'"))
    report = school.publish("main", published_to, *school.plan, *args)
    equal("tables of the report", [table["rows"] for table in report["tables"]], [2, 2, 3, 3])
    with engine.connect() as connection:
        found = connection.execute(sqlalchemy.text("select name from students order by student_id")).scalars().all()
    equal("names after publishing again", found, ["김하늘", "이서준", "박지우"])
    engine.dispose()
