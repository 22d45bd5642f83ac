"""Double-entry ledger: accounts, journal, balances, statements, audit, export. Knows no rules, no HTTP, no Redis."""
