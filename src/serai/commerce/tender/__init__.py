"""Points, gift cards and red packets: what pays an order beside a provider's money."""
