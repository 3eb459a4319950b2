"""What the simulated providers share: their books, faults on demand, the postman of notifications, and the pay page."""
