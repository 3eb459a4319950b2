"""Plays Stripe: Checkout Sessions, refunds, and webhooks signed by HMAC."""
