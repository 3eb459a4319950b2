"""What happens to a merchant's delivery options."""

import msgspec


class DeliveryChanged(msgspec.Struct, frozen=True):
    """Options or calendar are others from now on; ``edition`` is the number of the book that holds them."""

    edition: int
    by: str
