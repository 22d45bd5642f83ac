"""The chart of accounts.

An account is one owner's holding of one unit. Its id is its class and its owner's number; the unit stands
beside it. `issuance` is where a unit comes from and the only class that may go below zero.
"""

from enum import IntEnum

CREDITS = 0
"""The number of the company's unit of credits; every other unit is the flowers of a course."""

MAX_AMOUNT = 2**53 - 1
"""Of a transfer, and of an account on each side: the largest integer that every JSON client reads exactly."""

_OWNER_BITS = 32


class AccountClass(IntEnum):
    ISSUANCE = 0
    POOL_OF_PROGRAMME = 1
    POOL_OF_COURSE = 2
    ALLOWANCE = 3
    HOLDING = 4
    ESCROW = 5
    RETIRED = 6


ISSUANCE = 0
CONVERTED = (AccountClass.RETIRED << _OWNER_BITS) + 1
EXPIRED = (AccountClass.RETIRED << _OWNER_BITS) + 2


def pool_of_programme(programme: int) -> int:
    return (AccountClass.POOL_OF_PROGRAMME << _OWNER_BITS) + programme


def pool_of_course(course: int) -> int:
    return (AccountClass.POOL_OF_COURSE << _OWNER_BITS) + course


def allowance(awarder: int) -> int:
    return (AccountClass.ALLOWANCE << _OWNER_BITS) + awarder


def holding(learner: int) -> int:
    return (AccountClass.HOLDING << _OWNER_BITS) + learner


def class_of(account: int) -> AccountClass:
    return AccountClass(account >> _OWNER_BITS)
