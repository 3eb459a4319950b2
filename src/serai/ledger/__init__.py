"""Stock, money and every counter that must never be lost or overspent, as accounts of one double-entry ledger."""
