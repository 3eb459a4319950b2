"""Gift messages: words that travel with an order."""
