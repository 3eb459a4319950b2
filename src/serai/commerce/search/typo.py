"""One slip of the finger: a letter missing, too many, wrong, or two swapped.

Two words are at most one slip apart only if deleting at most one letter from each can make them equal. So every known
word is kept under all its forms with one letter deleted, and a query looks up its own (the idea of SymSpell).
"""

from collections.abc import Iterable


def list_deletions(word: str) -> list[str]:
    """The word and every form of it with one letter deleted."""
    return list(dict.fromkeys([word, *(word[:i] + word[i + 1 :] for i in range(len(word)))]))


def is_one_slip(typed: str, meant: str) -> bool:
    """Whether one insertion, deletion, exchange or swap of neighbours makes ``typed`` into ``meant``."""
    if typed == meant or abs(len(typed) - len(meant)) > 1:
        return False
    at = next((i for i, (a, b) in enumerate(zip(typed, meant, strict=False)) if a != b), None)
    if at is None:
        return True
    if len(typed) == len(meant):
        is_swap = typed[at : at + 2] == meant[at : at + 2][::-1] and typed[at + 2 :] == meant[at + 2 :]
        return typed[at + 1 :] == meant[at + 1 :] or is_swap
    shorter, longer = sorted((typed, meant), key=len)
    return shorter[at:] == longer[at + 1 :]


def choose_word(typed: str, known: Iterable[tuple[str, int]], *, is_open: bool = False) -> str | None:
    """The known word (with the number of products that have it) that was most likely meant, None when none is near.

    With ``is_open`` the typed word may be the beginning of a longer one, so a near beginning counts too.
    """
    best: tuple[int, int, str] | None = None
    for word, products in known:
        if is_one_slip(typed, word):
            # The first letter is the one people miss least.
            candidate = (word[:1] == typed[:1], products, word)
            if best is None or candidate > best:
                best = candidate
    return best[2] if best else None
