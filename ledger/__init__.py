"""Double-entry ledger: accounts, journal, balances, statements, audit, export.

It knows no rules, no HTTP, no Redis.
"""
