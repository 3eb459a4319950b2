"""What a merchant asks for delivery, and what it says about returns."""
