"""A small service as teams write them: FastAPI and SQLAlchemy over the database of `DATABASE_URL`. It knows nothing of Hanok."""

import datetime
import decimal
import os
from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel
from sqlalchemy import ForeignKey, Numeric, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

engine = create_engine(os.environ["DATABASE_URL"])
app = FastAPI()


class Base(DeclarativeBase):
    pass


class Class(Base):
    __tablename__ = "classes"
    class_id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Student(Base):
    __tablename__ = "students"
    student_id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    class_id: Mapped[int] = mapped_column(ForeignKey("classes.class_id"))
    born: Mapped[datetime.date]
    score: Mapped[decimal.Decimal | None] = mapped_column(Numeric(5, 2))
    group: Mapped[Class] = relationship()


class Meal(Base):
    __tablename__ = "meals"
    meal_id: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[datetime.date]
    menu: Mapped[str]


class NewStudent(BaseModel):
    name: str
    class_id: int
    born: datetime.date


def session() -> Iterator[Session]:
    with Session(engine) as opened:
        yield opened


Opened = Annotated[Session, Depends(session)]


def shown(student: Student) -> dict:
    return {
        "id": student.student_id, "name": student.name, "class": student.group.name, "born": student.born,
        "score": student.score,
    }


@app.get("/students")
def students(opened: Opened) -> list[dict]:
    return [shown(student) for student in opened.scalars(select(Student).order_by(Student.student_id))]


@app.get("/students/{student_id}")
def student(student_id: int, opened: Opened) -> dict:
    found = opened.get(Student, student_id)
    if found is None:
        raise HTTPException(404)
    return shown(found)


@app.post("/students", status_code=201)
def add_student(new: NewStudent, opened: Opened) -> dict:
    added = Student(**new.model_dump())
    opened.add(added)
    opened.commit()
    return shown(added)


@app.get("/meals")
def meals(opened: Opened) -> list[dict]:
    return [{"day": meal.day, "menu": meal.menu} for meal in opened.scalars(select(Meal).order_by(Meal.meal_id))]
