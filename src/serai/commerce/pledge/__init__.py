"""Pledges: money that a provider holds for us, a courier brings, or a customer was invoiced for."""
