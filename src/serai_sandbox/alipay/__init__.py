"""Plays Alipay: the gateway and the cashier, RSA2 both ways."""
