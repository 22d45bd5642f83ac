"""What the journal says of learners, fact by fact, for as many learners at once as are asked for.

Each module answers all facts of its kind for all learners in a statement or two. What counts is what happened
before the cut-off and is numbered up to the journal number (`rules.as_of`), less what was reversed by then: a
reversal takes its entry away, and neither of the two is listed.
"""
