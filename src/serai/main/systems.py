"""The systems of the house in order of their bands, lowest first: migrations run and invariants are listed so."""

# Surfaces own no tables and no rules, but may have settings.
SURFACES = ("storefront", "console")
SYSTEMS = ("foundation", "ledger", "identity", "data", "overload", "commerce")
