"""Lines that a shopper took out of the cart for later."""
