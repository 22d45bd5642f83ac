"""Matches (PK): who of some teams or learners earns the most in a window of time, and what the winners get."""
