"""The pure core of the ledger: no SQL, no clock, no framework."""
