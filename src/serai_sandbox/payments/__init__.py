"""Stripe, WeChat Pay and Alipay in one small process, for the demo and for tests."""
