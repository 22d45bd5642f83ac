"""Named outcomes of booking, each reaching the client unchanged as the problem's type.

LedgerError
├── InsufficientFunds   422  an account that may not go below zero would
├── AmountTooLarge      422  beyond 2^53 - 1, for one transfer or for an account's total
├── KeyConflict         409  the key is booked with other content
├── AlreadyReversed     409
├── NotReversible       422  a reversal itself, or an entry without transfers
└── StaleDirectory      --   never leaves the service: prepare again with what HR has changed meanwhile
"""

from typing import Literal

from pointsbank.errors import PointsBankError


class LedgerError(PointsBankError):
    slug, status, title = "validation", 422, "Not booked"


class InsufficientFunds(LedgerError):
    slug, title = "insufficient-funds", "Insufficient funds"


class AmountTooLarge(LedgerError):
    title = "Amount too large"


class KeyConflict(LedgerError):
    slug, status, title = "key-conflict", 409, "The key is booked with other content"


class AlreadyReversed(LedgerError):
    slug, status, title = "already-reversed", 409, "Already reversed"


class NotReversible(LedgerError):
    """`because`: it is a reversal itself, follows from the directory, or is of a certificate."""

    title = "Not reversible"

    def __init__(self, detail: str, because: Literal["reversal", "directory", "certificate"]) -> None:
        super().__init__(detail)
        self.because = because


class StaleDirectory(LedgerError):
    title = "The directory has changed"
