"""Consultation: questions about a product, answered from its facts or by staff."""
