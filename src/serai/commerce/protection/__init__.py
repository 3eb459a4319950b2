"""Price protection: what a buyer gets back when the price of something he has paid falls soon after."""
