"""Reports for HR over what a programme has booked: who earned what, when, and by whose hand.

What was earned is what boards count (`pointsbank.leaderboards.scores.earned`): awards less deductions and reversals,
in the team in which the learner was when it happened; conversion is not earning. Where a report counts events, those
that were reversed and their reversals are left out. Nothing is kept: each report is one state of the journal, read when
it is asked for.
"""
