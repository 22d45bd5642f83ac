"""The first pages: one design for each kind of certificate."""
