"""Stock: what lies where, and every movement of it through the ledger."""
