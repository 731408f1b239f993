"""What is true: errors, models, SQL, the ledger and the rules. Imports nothing of ours."""
