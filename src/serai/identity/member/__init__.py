"""Members: shoppers with an account at a merchant."""
