"""Staff: the people at a merchant's console, their roles and what those may do."""
