"""Taking what was pledged: from providers that hold money, from couriers, from customers with an invoice."""
