"""The tables of the Open University Learning Analytics Dataset, and its results as CloudEvents.

https://analyse.kmi.open.ac.uk/open_dataset. Dates are days counted from the presentation's start, day 0;
results carried over from an earlier presentation (`is_banked`) have days before it.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

FIRST_MONTH = {"B": 2, "J": 10}  # presentations B begin in February, J in October
EVENT_TYPE = "lms.assessment.scored"

Row = dict[str, str]


class TablesError(Exception):
    """The folder does not hold what is asked for; the text is for the reader of the terminal."""


@dataclass(frozen=True)
class Presentation:
    """One presentation of one module, as the tables tell it, and the calendar date of its day 0."""

    module: str
    presentation: str
    day_0: date
    length_days: int
    assessments: dict[str, Row]
    learners: list[Row]
    results: list[Row]

    @property
    def programme(self) -> str:
        return f"{self.module}-{self.presentation}"

    @property
    def path(self) -> str:
        return f"/v1/programmes/{self.programme}"

    def dates(self) -> tuple[str, str]:
        """The first and last date on which something happened. Carried-over results lie before day 0."""
        days = [int(result["date_submitted"]) for result in self.results]
        first, last = min([0, *days]), max([self.length_days, *days])
        return self.on(first).isoformat(), self.on(last).isoformat()

    def on(self, day: int) -> date:
        return self.day_0 + timedelta(days=day)


def table(folder: Path, name: str) -> Iterator[Row]:
    """The rows of one table: quoted or not, CRLF or LF, compressed or not."""
    plain, packed = folder / f"{name}.csv", folder / f"{name}.csv.gz"
    if not plain.exists() and not packed.exists():
        raise TablesError(f"{folder} has neither {plain.name} nor {packed.name}")
    with (
        plain.open("rb") if plain.exists() else gzip.open(packed, "rb") as binary,
        io.TextIOWrapper(binary, encoding="utf-8-sig", newline="") as text,
    ):
        yield from csv.DictReader(text)


def read(folder: Path, wanted: list[str] | None, day_0: date | None) -> Presentation:
    courses = {(row["code_module"], row["code_presentation"]): row for row in table(folder, "courses")}
    if wanted is None and len(courses) != 1:
        names = ", ".join(" ".join(course) for course in courses)
        raise TablesError(f"choose one with --presentation MODULE PRESENTATION: {names}")
    course = tuple(wanted) if wanted is not None else next(iter(courses))
    if course not in courses:
        raise TablesError(f"{folder} has no presentation {' '.join(course)}")
    module, presentation = course

    def own(name: str) -> Iterator[Row]:
        rows = table(folder, name)
        return (row for row in rows if (row["code_module"], row["code_presentation"]) == course)

    assessments = {row["id_assessment"]: row for row in own("assessments")}
    results = [row for row in table(folder, "studentAssessment") if row["id_assessment"] in assessments]
    return Presentation(
        module=module,
        presentation=presentation,
        day_0=day_0 or date(int(presentation[:4]), FIRST_MONTH.get(presentation[4:], 1), 1),
        length_days=int(courses[course]["module_presentation_length"]),
        assessments=assessments,
        learners=list(own("studentInfo")),
        results=results,
    )


def events(course: Presentation) -> Iterator[dict[str, object]]:
    source = f"urn:lms:oulad:{course.module}:{course.presentation}"
    for result in course.results:
        assessment = course.assessments[result["id_assessment"]]
        day = int(result["date_submitted"])
        data: dict[str, object] = {
            "programme": course.programme,
            "course": course.module,
            "assessment": result["id_assessment"],
            "assessment_type": assessment["assessment_type"],
            "weight": number(assessment["weight"]),
            "day": day,
            "carried_over": result["is_banked"] == "1",
        }
        if result["score"] not in ("", "?"):
            data["score"] = number(result["score"])
        if assessment["date"] not in ("", "?"):  # an exam has no due day
            data["due_day"] = int(assessment["date"])
        yield {
            "specversion": "1.0",
            "id": f"{result['id_assessment']}-{result['id_student']}",
            "source": source,
            "type": EVENT_TYPE,
            "subject": result["id_student"],
            "time": f"{course.on(day).isoformat()}T12:00:00Z",
            "data": data,
        }


def number(text: str) -> int | float:
    value = float(text)
    return int(value) if value.is_integer() else value
