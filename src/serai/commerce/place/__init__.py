"""Places: warehouses and stores, where stock lies and orders are fulfilled."""
