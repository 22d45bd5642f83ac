"""Who stands where: boards of learners and teams, answered from the ledger."""
