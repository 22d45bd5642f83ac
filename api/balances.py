"""Balances, statements, accounts, and the trial balance."""

from dataclasses import asdict
from typing import Any

from marshmallow import Schema, fields

from api.auth import requires, snapshot
from api.entries import TimeShown
from api.fields import Instant, QuerySchema, Text
from api.openapi import Resource
from api.paging import PageQuery, decode_cursor, encode_cursor
from ledger import balances, statements

blp = Resource("Balances", __name__, url_prefix="/v1", description="Balances (余额) and statements (对账单)")

_UNIT = {"description": "`credits` or `flowers:<course>`.", "example": "credits"}
_AMOUNT = {"description": "In the smallest part of the unit.", "example": 86}


class AsOfQuery(QuerySchema):
    occurred_by = Instant(load_default=None, metadata={"description": "Count what had happened by then."})
    recorded_by = Instant(load_default=None, metadata={"description": "Count what had been booked by then."})


class BalanceSchema(Schema):
    unit = fields.String(metadata=_UNIT)
    course = fields.String(metadata={"description": "Whose flowers the unit is; absent for credits."})
    balance = fields.Integer(metadata=_AMOUNT)
    earned = fields.Integer(
        metadata={
            "description": "Awards less deductions and reversals; conversion does not move it.",
            "example": 86,
        }
    )


class BalancesSchema(Schema):
    learner = fields.String(metadata={"example": "20210001"})
    balances = fields.List(fields.Nested(BalanceSchema))


class StatementQuery(PageQuery):
    unit = Text(load_default="credits", metadata=_UNIT)
    recorded_from = Instant(data_key="from", load_default=None, metadata={"description": "Booked at or after."})
    recorded_to = Instant(data_key="to", load_default=None, metadata={"description": "Booked before."})


class GiverSchema(Schema):
    id = fields.String(metadata={"example": "li-trainer"})
    name = fields.String(metadata={"example": "李老师"})


class LineSchema(Schema):
    entry_id = fields.UUID()
    number = fields.Integer(metadata={"description": "Of the entry in the journal.", "example": 9})
    occurred_at = TimeShown()
    recorded_at = TimeShown()
    kind = fields.String(metadata={"example": "lms.assessment.scored"})
    rule = fields.String(allow_none=True, metadata={"example": "scored"})
    reason = fields.String(allow_none=True)
    giver = fields.Nested(GiverSchema, allow_none=True)
    programme = fields.String(allow_none=True, metadata={"example": "2021"})
    course = fields.String(allow_none=True, metadata={"example": "service"})
    amount = fields.Integer(metadata={"description": "Negative if it leaves the holding.", "example": 15})
    balance_after = fields.Integer(metadata=_AMOUNT)


class StatementSchema(Schema):
    items = fields.List(fields.Nested(LineSchema))
    next = fields.String(allow_none=True, metadata={"description": "The next page's `cursor`."})


class AccountQuery(QuerySchema):
    unit = Text(load_default=None, metadata=_UNIT | {"description": "Absent: credits, or the account's only unit."})


class AccountSchema(Schema):
    account = fields.String(metadata={"example": "holding:20210001"})
    class_ = fields.String(data_key="class", attribute="class", metadata={"example": "holding"})
    unit = fields.String(metadata=_UNIT)
    debits = fields.Integer(metadata=_AMOUNT)
    credits = fields.Integer(metadata=_AMOUNT)
    balance = fields.Integer(metadata={"description": "Credits minus debits.", "example": 86})
    transfers = fields.Integer(metadata={"example": 3})


class ClassTotalSchema(Schema):
    class_ = fields.String(data_key="class", attribute="class", metadata={"example": "pool"})
    accounts = fields.Integer(metadata={"example": 2})
    debits = fields.Integer()
    credits = fields.Integer()
    balance = fields.Integer()


class UnitTotalsSchema(Schema):
    unit = fields.String(metadata=_UNIT)
    classes = fields.List(fields.Nested(ClassTotalSchema))
    debits = fields.Integer()
    credits = fields.Integer()
    sum = fields.Integer(metadata={"description": "Of all balances of the unit: always 0.", "example": 0})


class TrialBalanceSchema(Schema):
    units = fields.List(fields.Nested(UnitTotalsSchema))


@blp.route("/learners/<key:learner>/balances", methods=["GET"])
@requires("read")
@blp.arguments(AsOfQuery, location="query")
@blp.response(200, BalancesSchema)
def get_balances(query: dict[str, Any], learner: str) -> dict[str, Any]:
    """A learner's balances, now or as of a time

    `occurred_by` and `recorded_by` may be given together: what had happened by the one, as far as it was
    known by the other.
    """
    with snapshot() as session:
        found = balances.of_learner(session, balances.learner_no(session, learner), **query)
    shown = [{name: value for name, value in asdict(balance).items() if value is not None} for balance in found]
    return {"learner": learner, "balances": shown}


@blp.route("/learners/<key:learner>/statement", methods=["GET"])
@requires("read")
@blp.arguments(StatementQuery, location="query")
@blp.response(200, StatementSchema)
def get_statement(query: dict[str, Any], learner: str) -> dict[str, Any]:
    """A learner's statement in one unit, newest first"""
    cursor = query.pop("cursor")
    after = None if cursor is None else statements.Position(*decode_cursor(cursor, [int, int, int]))
    with snapshot() as session:
        page = statements.page(session, balances.learner_no(session, learner), after=after, **query)
    return {"items": page.items, "next": None if page.next is None else encode_cursor(page.next)}


@blp.route("/accounts/<key:code>", methods=["GET"])
@requires("read")
@blp.arguments(AccountQuery, location="query")
@blp.response(200, AccountSchema)
def get_account(query: dict[str, Any], code: str) -> dict[str, Any]:
    """An account by its code"""
    with snapshot() as session:
        return balances.account(session, code, query["unit"])


@blp.route("/trial-balance", methods=["GET"])
@requires("read")
@blp.response(200, TrialBalanceSchema)
def get_trial_balance() -> dict[str, Any]:
    """Every class of account with its totals, per unit"""
    with snapshot() as session:
        return balances.trial_balance(session)
