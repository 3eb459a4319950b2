"""What must happen when nobody asks: statements that were read are judged to their end."""

from serai.commerce.reconciliation.match_lines import finish_statements

__all__ = ["finish_statements"]
