"""Writes data/*.csv: a school that does not exist. The same seed gives the same bytes.

Everything personal is visibly made up: family names are "가짜" and "Fakename", telephone numbers 010-0000-xxxx, mail
addresses end in example.invalid, streets do not exist.
"""

import csv
import random
from datetime import date, timedelta
from pathlib import Path

SEED = 20260302
STUDENTS = 480
DAYS = 6
LOANS = 900
FIRST_DAY = date(2026, 3, 2)

GIVEN_KO = "하늘 바다 가람 나래 다온 라온 마루 보람 새롬 아라 조은 초롱 푸름 해솔 누리 미르".split()
GIVEN_EN = "Alex Blake Casey Drew Emery Finley Gray Harper Indigo Jules".split()
STREETS = "없는길 상상로 가공대로 허구길 모의로".split()
MENUS = "비빔밥 카레 우동 돈가스 떡국 샐러드 볶음밥 미역국".split()
BOOKS = "별자리 이야기,작은 수학,바다의 지도,Robots at School,고양이 백과,The Tin Boat,숲속 편지,하루 한 시".split(",")
DIETS = ["", "", "", "", "", "", "땅콩", "우유", "새우", "채식"]


def person(rng, at):
    """A name, a telephone number, a mail address and a street that are nobody's."""
    if rng.random() < 0.15:
        name = f"{rng.choice(GIVEN_EN)} Fakename-{at:04}"
    else:
        name = f"가짜{rng.choice(GIVEN_KO)}{at:04}"
    phone = f"010-0000-{at:04}"
    email = f"nobody.{at:04}@example.invalid"
    address = f"가상시 모의구 {rng.choice(STREETS)} {at} ({rng.randint(1, 40)}동)"
    return name, phone, email, address


def write(folder, name, header, rows):
    with open(folder / f"{name}.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(SEED)
    classes = [(f"{grade}-{number}", grade, number, f"{grade}0{number}호") for grade in (1, 2, 3) for number in (1, 2, 3, 4)]
    write(folder, "classes", ["class_id", "grade", "number", "room"], classes)

    guardians, students = [], []
    for at in range(STUDENTS):
        elder = rng.choice(students) if students and rng.random() < 0.08 else None
        if elder:
            guardian = elder[9]
        else:
            guardian = 7000 + len(guardians)
            name, phone, email, address = person(rng, 5000 + at)
            guardians.append((guardian, name, phone, email, address))
        class_id, grade, _, _ = classes[at % len(classes)]
        name, phone, email, address = person(rng, at)
        born = date(2014 - grade, 1, 1) + timedelta(days=rng.randrange(365))
        student = f"S{27 - grade}-{rng.randrange(10**6):06}"
        sibling = elder[0] if elder else ""
        students.append((student, name, born, phone, email, address, class_id, rng.choice(DIETS), sibling, guardian))
    write(folder, "guardians", ["guardian_id", "name", "phone", "email", "address"], guardians)
    header = "student_id name born phone email address class_id diet elder_sibling_id guardian_id".split()
    write(folder, "students", header, students)

    meals = []
    for day in range(DAYS):
        for student in students:
            if rng.random() < 0.9:
                meals.append((len(meals) + 1, student[0], FIRST_DAY + timedelta(days=day), rng.choice(MENUS), rng.randrange(3000, 6000, 50)))
    write(folder, "meals", ["meal_id", "student_id", "day", "menu", "won"], meals)

    loans = []
    for at in range(LOANS):
        lent = FIRST_DAY + timedelta(days=rng.randrange(60))
        back = lent + timedelta(days=rng.randrange(1, 21)) if rng.random() < 0.85 else ""
        loans.append((at + 1, rng.choice(students)[0], rng.choice(BOOKS), lent, back))
    write(folder, "loans", ["loan_id", "student_id", "book", "lent", "returned"], loans)


if __name__ == "__main__":
    main(Path(__file__).parent / "data")
