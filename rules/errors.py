"""What can go wrong with events and rules, all hung below `pointsbank.errors.Invalid` (422 validation).

Invalid
├── EventInvalid       an event that is not a CloudEvent of ours; `errors` has every fault with its path
├── RulebookInvalid    a document that does not hold; `errors` has every fault with its path
├── ExpressionInvalid  a CEL expression that cannot be compiled or reads what it may not
├── ExpressionFailed   a CEL expression that has no value for this event
└── RuleFailed         a rule that cannot judge this event; `rule` is its key
"""

from collections.abc import Sequence

from pointsbank.errors import FieldError, Invalid
from pointsbank.saying import say

# A detail is read by a person; the whole list stands in `errors`.
MAX_FAULTS_IN_DETAIL = 3


def _sentence(errors: Sequence[FieldError]) -> str:
    shown = "; ".join(f"{path}: {message}" if path else message for path, message in errors[:MAX_FAULTS_IN_DETAIL])
    more = len(errors) - MAX_FAULTS_IN_DETAIL
    return f"{shown}; and {more} more" if more > 0 else shown


class EventInvalid(Invalid):
    """`sent` is the event as it was sent, where somebody may ask for it."""

    title = "Event not valid"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__(_sentence(errors), errors=errors)
        self.sent: object = None


class RulebookInvalid(Invalid):
    title = "Rulebook not valid"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__(_sentence(errors), errors=errors)


class ExpressionInvalid(Invalid):
    title = "Expression not valid"


class ExpressionFailed(Invalid):
    title = "Expression failed"


class RuleFailed(Invalid):
    """`rule` is the rule's key, also sent to the client as a member of the problem."""

    title = "Rule failed"

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(
            say("Rule %(rule)s cannot judge this event: %(reason)s", rule=repr(rule), reason=reason), rule=rule
        )
        self.rule = rule
        self.reason = reason
