"""Where facts are looked for, and in which form they are found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pointsbank.database import Session
from pointsbank.directory.courses import Course
from pointsbank.directory.programmes import Programme
from rules.as_of import AsOf
from rules.criteria import Fact
from rules.explanation import Found

Findings = Mapping[tuple[Fact, int], Found]
"""By fact and number of the learner. What is not in it is nothing: no score (`rules.explanation.NO_SCORE`) or 0."""


@dataclass(frozen=True, slots=True)
class Ground:
    """`courses` are those of the programme, by HR's ids; `learners` are numbers."""

    session: Session
    programme: Programme
    courses: Mapping[str, Course]
    learners: Sequence[int]
    as_of: AsOf

    def parameters(self) -> dict[str, object]:
        return {
            "programme": self.programme.no,
            "learners": list(self.learners),
            "number": self.as_of.number,
            "cut_off": self.as_of.cut_off,
        }
