"""The systems of the house in order of their bands, lowest first: migrations run and invariants are listed so."""

SYSTEMS = ("foundation", "ledger", "identity", "data", "commerce")
