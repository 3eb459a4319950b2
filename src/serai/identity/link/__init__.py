"""One-time links that prove who reads an e-mail address."""
