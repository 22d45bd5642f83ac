"""What the scripts that try a draft say."""

from flask_babel import gettext as _


def trial_texts() -> dict[str, str]:
    """By the names that the scripts know them by; places stay to be filled."""
    return _work() | _results() | _activation()


def _work() -> dict[str, str]:
    """While it is worked."""
    return {
        "reading": _("Reading what is booked: %(done)s of %(of)s"),
        "qualifying": _("Judging who qualifies: %(done)s of %(of)s"),
        "booking": _("Booking corrections: %(done)s of %(of)s"),
        "begins": _("It begins …"),
        "cut_off": _("The connection was cut off. What was begun goes on by itself; this page asks how far it is."),
        "cut_off_trial": _("The connection was cut off. Nothing was written; simulate once more."),
        "offline": _("The service cannot be reached. Try again in a moment."),
        "session_over": _("Your session has ended: load the page again and sign in."),
        "gone": _("There is no such draft any more. Load the page again."),
        "draft_changed": _("The draft is another one by now. Load the page again and look at it before you go on."),
        "too_large": _("It is larger than this service takes."),
        "busy": _("Another simulation is running. Nothing was lost; try again in a moment."),
        "closed": _("This programme is closed: what is booked in it stays."),
        "failed": _("That did not work. Try again in a moment."),
    }


def _results() -> dict[str, str]:
    """What a simulation found."""
    return {
        "nothing_changes": _("Nothing that is booked would change."),
        "events": _("Events looked at"),
        "corrections": _("Corrections"),
        "learners": _("Learners concerned"),
        "newly": _("Newly qualify"),
        "no_longer": _("Qualify no longer"),
        "as_csv": _("As CSV"),
        "distribution_credits": _("Credits from rules: how many learners have how much"),
        "distribution_flowers": _("Red flowers from rules: how many learners have how many"),
        "as_numbers": _("The same as a table"),
        "range": _("From – to"),
        "before": _("Before"),
        "after": _("After"),
        "before_learners": _("Learners before"),
        "after_learners": _("Learners after"),
        "by_rule": _("By rule"),
        "rule": _("Rule"),
        "entries": _("Entries given for"),
        "credits": _("Credits"),
        "flowers": _("Red flowers"),
        "difference": _("Difference"),
        "by_certificate": _("By certificate"),
        "certificate": _("Certificate"),
        "qualify_before": _("Qualify now"),
        "qualify_after": _("Would qualify"),
        "nobody": _("nobody"),
        "and_more": _("and %(n)s others"),
        "by_learner": _("By learner"),
        "learner": _("Learner"),
        "learner_id": _("Id"),
        "first_listed": _("The %(n)s for whom most changes, of %(of)s."),
        "page": _("%(from)s – %(to)s of %(of)s"),
        "earlier": _("Earlier ones"),
        "further": _("Further"),
        "sort": _("Sort by %(name)s"),
        "left": _("What would stay as it is"),
        "short": _("%(n)s learners: an account could not pay their corrections"),
        "short_one": _("%(account)s has %(available)s, and %(required)s are needed"),
        "failures": _("%(n)s events that a rule cannot judge"),
        "left_alone": _("Course %(course)s is closed: %(n)s events"),
    }


def _activation() -> dict[str, str]:
    """What activation does, and did."""
    return {
        "from_wrong": _("Say from when."),
        "now_in_force": _("It is in force at once: what is recorded from now on is judged by it."),
        "later_in_force": _("It is in force from %(time)s on."),
        "stays": _("What is booked stays as it is."),
        "re_evaluates": _("Everything that is booked is brought to these rules: %(n)s corrections, as simulated."),
        "re_evaluates_unknown": _(
            "Everything that is booked is brought to these rules, with corrections. How many, a simulation tells."
        ),
        "re_evaluates_later": _("What is booked until then is brought to these rules at that time."),
        "retires": _("Version %(n)s is retired."),
        "not_undone": _("A version cannot be deactivated; another one can take its place."),
        "is_active": _("Version %(n)s is in force."),
        "is_scheduled": _("Version %(n)s is scheduled."),
        "corrected": _("%(n)s corrections were booked."),
        "corrected_short": _("%(n)s learners were left as they are: an account could not pay."),
        "corrected_failures": _("%(n)s events were left as they are: a rule cannot judge them."),
        "see_versions": _("See the versions"),
        "running": _("Version %(version)s is being applied to what is booked: %(n)s corrections so far."),
        "was_done": _("Version %(version)s was applied to what is booked: %(n)s corrections."),
        "ended": _("Re-evaluation by version %(version)s ended: %(problem)s"),
        "waits": _("What is booked is brought to version %(version)s once it is in force."),
    }
