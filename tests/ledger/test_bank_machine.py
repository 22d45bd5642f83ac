"""A company's ledger against a model of it in a few lines of Python, through random steps on real PostgreSQL.

After each step: the balances are the model's, each unit sums to zero, nothing but issuance is below zero, and
the audit finds balances equal to transfers and the journal without gaps. A step in which everything is refused
or repeated leaves the state as it was, to the byte.
"""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from ledger.accounts import CREDITS, ISSUANCE, class_of, holding
from ledger.audit import audit
from ledger.balances import of_learner
from ledger.errors import AlreadyReversed, InsufficientFunds, KeyConflict, NotReversible
from ledger.journal import Booked, Duplicate
from ledger.reversals import reverse

DAYS = 10
LEARNERS = 4
SAME_LEARNERS_TRANSFERS = 260  # two such batches pass the number at which a holding is closed

days = st.integers(1, DAYS).map(lambda day: datetime(2021, 9, day, 12, tzinfo=UTC))
amounts = st.integers(1, 60)
learners = st.integers(1, LEARNERS)
operations = st.one_of(
    st.tuples(st.just("allotment"), amounts),
    st.tuples(st.just("flowers"), amounts),
    st.tuples(st.just("allowance"), amounts),
    st.tuples(st.just("earning"), amounts, learners),
    st.tuples(st.just("deduction"), amounts, learners),
    st.tuples(st.just("award"), amounts, learners),
    st.tuples(st.just("draft")),
)
keys = st.integers(0, 40).map("key-{}".format)


class Model:
    """What is booked, in order and with its time of recording, and what follows from it."""

    def __init__(self):
        self.entries = []
        self.present = {}
        self._numbers = {}

    def balances(self, occurred_by=None, number=None):
        found = {}
        for draft, _ in self.entries[:number]:
            if occurred_by is not None and draft.occurred_at > occurred_by:
                continue
            self._move(draft, found)
        return found

    def earned(self, learner, unit, occurred_by, number):
        return sum(
            t.amount * t.earning
            for draft, _ in self.entries[:number]
            for t in draft.transfers
            if t.learner == learner and t.unit == unit and draft.occurred_at <= occurred_by
        )

    def _move(self, draft, balances):
        for t in draft.transfers:
            balances[t.debit, t.unit] = balances.get((t.debit, t.unit), 0) - t.amount
            balances[t.credit, t.unit] = balances.get((t.credit, t.unit), 0) + t.amount

    def post(self, drafts):
        """What becomes of each draft: its number, or the name of its refusal."""
        outcomes, batch = [], {}
        for draft in drafts:
            identity = draft.source, draft.key
            if identity in batch:
                fingerprint, outcome = batch[identity]
                outcomes.append(outcome if fingerprint == draft.fingerprint else KeyConflict)
            elif identity in self._numbers:
                number = self._numbers[identity]
                outcomes.append(number if self.entries[number - 1][0].fingerprint == draft.fingerprint else KeyConflict)
            else:
                outcomes.append(self.book(draft))
                batch[identity] = draft.fingerprint, outcomes[-1]
        return outcomes

    def posted(self):
        """What clients have posted: a reversal has a source and a key of the bank's own."""
        return [draft for draft, _ in self.entries if draft.reverses is None]

    def book(self, draft):
        after = dict(self.present)
        self._move(draft, after)
        if any(after[t.debit, t.unit] < 0 and t.debit != ISSUANCE for t in draft.transfers):
            return InsufficientFunds
        self.present = after
        self.entries.append((draft, None))
        self._numbers[draft.source, draft.key] = len(self.entries)
        return len(self.entries)


class BankMachine(RuleBasedStateMachine):
    make_bank = None
    booked = Bundle("booked")

    @initialize()
    def open(self):
        self.bank = self.make_bank(learners=LEARNERS)
        self.model = Model()
        self.state = self.digest()

    # --- steps

    def draft(self, operation, key, occurred_at):
        name, *arguments = operation
        fingerprint = hash((operation, occurred_at)) % 2**63
        given = {"key": key, "occurred_at": occurred_at, "fingerprint": fingerprint}
        return getattr(self.bank, name)(*arguments, **given)

    def post(self, drafts):
        expected = self.model.post(drafts)
        before = len(self.bank.sql("SELECT FROM entries WHERE company_id = %(company)s"))
        outcomes = self.bank.post(*drafts)
        found = [o.number if isinstance(o, Booked | Duplicate) else type(o) for o in outcomes]
        assert found == expected
        new = {o.number: o.recorded_at for o in outcomes if isinstance(o, Booked)}
        assert sorted(new) == list(range(before + 1, len(self.model.entries) + 1))
        for number, recorded_at in new.items():
            self.model.entries[number - 1] = self.model.entries[number - 1][0], recorded_at
        self.has_changed(bool(new))
        return [o.number for o in outcomes if isinstance(o, Booked)]

    def has_changed(self, expected):
        state = self.digest()
        assert (state != self.state) == expected
        self.state = state

    @rule(operation=operations, key=keys, occurred_at=days)
    def post_one(self, operation, key, occurred_at):
        self.post([self.draft(operation, key, occurred_at)])

    @rule(batch=st.lists(st.tuples(operations, keys, days), min_size=2, max_size=12))
    def post_batch(self, batch):
        self.post([self.draft(*each) for each in batch])

    @rule(pick=st.randoms(use_true_random=False), size=st.integers(1, 5))
    def retry(self, pick, size):
        posted = self.model.posted()
        assume(posted)
        self.post([pick.choice(posted) for _ in range(size)])

    @rule(pick=st.randoms(use_true_random=False))
    def contradict(self, pick):
        posted = self.model.posted()
        assume(posted)
        draft = pick.choice(posted)
        other = self.bank.earning(1, key=draft.key, source=draft.source, fingerprint=draft.fingerprint ^ 1)
        self.post([other])

    @rule(learner=learners, occurred_at=days, key=keys)
    def earn_often(self, learner, occurred_at, key):
        assume(len(self.model.entries) < 3 * SAME_LEARNERS_TRANSFERS)
        often = range(SAME_LEARNERS_TRANSFERS)
        at = [occurred_at + timedelta(hours=n % 48) for n in often]
        self.post(
            [self.bank.allotment(SAME_LEARNERS_TRANSFERS, key=f"{key}-funds", occurred_at=occurred_at)]
            + [self.draft(("earning", 1, learner), f"{key}-{n}", at[n]) for n in often]
        )

    @rule(pick=st.randoms(use_true_random=False))
    def reverse(self, pick):
        assume(self.model.entries)
        number = pick.randrange(len(self.model.entries)) + 1
        original = self.model.entries[number - 1][0]
        back = self.bank.reversal(number, original, key=f"reversal-{number}")
        back.transfers.reverse()
        expected = self.refusal_to_reverse(number, original) or self.model.book(back)
        try:
            with self.bank.database.transaction(self.bank.company) as session:
                outcome = reverse(session, number, "冲正")
        except (AlreadyReversed, NotReversible, InsufficientFunds) as refused:
            outcome = refused
        if isinstance(outcome, Booked):
            assert outcome.number == expected
            self.model.entries[-1] = back, outcome.recorded_at
        else:
            assert type(outcome) is expected
        self.has_changed(isinstance(outcome, Booked))

    def refusal_to_reverse(self, number, original):
        if original.reverses is not None:
            return NotReversible
        if original.transfers and all(t.learner == 0 for t in original.transfers):
            return NotReversible
        if any(draft.reverses == number for draft, _ in self.model.entries):
            return AlreadyReversed
        return None

    @rule(learner=learners, occurred_by=days, pick=st.randoms(use_true_random=False))
    def look_back(self, learner, occurred_by, pick):
        """What the learner held as of a time, by what was recorded up to another."""
        assume(self.model.entries)
        recorded_by = pick.choice(self.model.entries)[1]
        number = sum(recorded_at <= recorded_by for _, recorded_at in self.model.entries)
        with self.bank.database.snapshot(self.bank.company) as session:
            found = of_learner(session, learner, occurred_by, recorded_by)
            now = of_learner(session, learner)
        units = {"credits": CREDITS, "flowers:service": 1}
        expected = self.model.balances(occurred_by, number)
        for balance in found:
            unit = units[balance.unit]
            assert balance.balance == expected.get((holding(learner), unit), 0)
            assert balance.earned == self.model.earned(learner, unit, occurred_by, number)
        held = {unit for (account, unit), balance in expected.items() if account == holding(learner) and balance}
        assert {units[balance.unit] for balance in found} >= held
        present = self.model.present
        assert {units[b.unit]: b.balance for b in now if b.balance} == {
            unit: n for (id_, unit), n in present.items() if id_ == holding(learner) and n
        }

    # --- what holds after each of them

    def digest(self):
        (row,) = self.bank.sql(
            """SELECT (SELECT md5(string_agg(e::text, '|' ORDER BY number)) FROM entries AS e) AS entries,
                      (SELECT md5(string_agg(t::text, '|' ORDER BY number, line)) FROM transfers AS t) AS transfers,
                      (SELECT md5(string_agg(a::text, '|' ORDER BY id, unit)) FROM accounts AS a) AS accounts,
                      (SELECT md5(string_agg(c::text, '|' ORDER BY account, unit, number))
                         FROM closings AS c) AS closings,
                      (SELECT last_number FROM journals) AS last_number"""
        )
        return row

    @invariant()
    def balances_are_the_models(self):
        rows = self.bank.sql("SELECT id, unit, credits - debits AS balance FROM accounts")
        assert {(row.id, row.unit): row.balance for row in rows} == self.model.present
        assert all(row.balance >= 0 or not class_of(row.id) for row in rows)
        for unit in {row.unit for row in rows}:
            assert sum(row.balance for row in rows if row.unit == unit) == 0

    @invariant()
    def audit_finds_nothing(self):
        with self.bank.database.snapshot(self.bank.company) as session:
            assert list(audit(session)) == []


@pytest.mark.parametrize("steps", [20])
def test_the_bank_is_its_model(make_bank, steps):
    class Machine(BankMachine):
        pass

    Machine.make_bank = staticmethod(make_bank)
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=8,
            stateful_step_count=steps,
            derandomize=True,  # the same steps in each run: a failure is a change's, not chance's
            suppress_health_check=list(HealthCheck),
        ),
    )
