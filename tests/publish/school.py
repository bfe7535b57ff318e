"""A school's lake: classes and students that refer to each other, meals, and applications with Korean names."""

from ..hanok import Project

STUDENTS = [
    (11, "김하늘", 1, "2012-03-02", "88.50"),
    (12, "이서준", 1, "2012-07-15", "91.25"),
    (13, "박지우", 2, "2011-11-30", None),
]

FILES = {
    "hanok.yaml": """
name: school
version: 1
models:
  +schema: mart
  +materialized: table
""",
    "models/classes.sql": """
select * from (values (1, '1반', 11), (2, '2반', 13)) as t (class_id, name, leader_id)
""",
    "models/meals.sql": """
select meal_id, cast(day as date) as day, menu
from (values (1, '2026-03-02', '비빔밥'), (2, '2026-03-03', '카레')) as t (meal_id, day, menu)
""",
    "models/신청.sql": """
select 학번, cast(날짜 as date) as 날짜, "order"
from (values (11, '2026-03-02', 1), (12, '2026-03-02', 2), (12, '2026-03-03', 1)) as t (학번, 날짜, "order")
""",
    "staging.yaml": """
tables:
  mart.classes:
    key: class_id
    references: { leader_id: mart.students.student_id }
  mart.students:
    key: student_id
    references: { class_id: mart.classes.class_id }
    indexes: [name, [class_id, born]]
  mart.meals: { key: meal_id }
  mart.신청:
    key: [학번, 날짜]
    references: { 학번: mart.students.student_id }
    indexes: [order]
""",
}


class School(Project):
    def make(self) -> "School":
        for name, text in FILES.items():
            self.put(name, text)
        self.students(STUDENTS)
        self.ok("build")
        return self

    def put(self, name: str, text: str) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip("\n"))

    def model(self, name: str, query: str) -> None:
        self.put(f"models/{name}.sql", query)

    def students(self, rows: list[tuple]) -> None:
        values = ", ".join(
            f"({number}, '{name}', {group}, '{born}', {'null' if score is None else repr(score)})"
            for number, name, group, born, score in rows
        )
        self.model(
            "students",
            "select student_id, name, class_id, cast(born as date) as born, cast(score as decimal(5, 2)) as score\n"
            f"from (values {values}) as t (student_id, name, class_id, born, score)\n",
        )

    def publish(self, branch: str, to: object, *args: object) -> dict:
        return self.answer("staging", "publish", branch, "--to", to, *args)

    @property
    def plan(self) -> tuple[str, object]:
        return "--plan", self.path / "staging.yaml"
