"""Every move in every state: it leads where the table says, or is refused and nothing has changed."""

import pytest
from tests.returns.conftest import Counter

from serai.commerce.returns import api
from serai.commerce.returns.logic import LEADS_TO, MOVES
from serai.commerce.returns.types import OPEN, STATES, Return, WantedLine
from serai.foundation.errors import Conflict

# How a return gets into each state.
PATHS = {
    "requested": (),
    "approved": ("approve",),
    "sent": ("approve", "send"),
    "received": ("approve", "receive"),
    "refunded": ("approve", "receive", "refund"),
    "exchanged": ("approve", "receive", "exchange"),
    "rejected": ("approve", "reject"),
    "declined": ("decline",),
    "withdrawn": ("withdraw",),
    "expired": ("approve", "expire"),
}


def test_every_state_is_reached_by_some_path():
    assert set(PATHS) == set(STATES)


def test_the_table_names_real_states_and_moves_only():
    assert set(MOVES) == set(LEADS_TO)
    assert all(states <= set(STATES) for states in MOVES.values())
    assert set(LEADS_TO.values()) <= set(STATES)
    # What is over is taken up again in one way only.
    over = set(STATES) - OPEN
    assert {move for move, states in MOVES.items() if states & over} == {"reopen"}


async def bring_to(counter: Counter, state: str) -> Return:
    ice = await counter.shop.add_product()
    order = await counter.sell((ice, 1))
    found = await api.request_return(
        counter.commerce,
        counter.merchant_id,
        order_id=order.order_id,
        lines=[WantedLine(1, 1, "fit", ice)],
        wish="exchange",
        by="shopper",
        key="moves",
    )
    for move in PATHS[state]:
        if move == "reject":
            found = await counter.do("receive", found, lines=[], answer="No.")
        else:
            found = await counter.do(move, found)
    assert found.state == state
    return found


@pytest.mark.parametrize("state", PATHS)
async def test_a_move_goes_where_the_table_says_or_is_refused(counter, assert_clean, state):
    for move, states in MOVES.items():
        found = await bring_to(counter, state)
        # A move that is done already is no offence: it answers with the return as it is.
        is_repeat = LEADS_TO[move] == state and move not in ("send", "receive")
        if state in states or is_repeat:
            assert (await counter.do(move, found)).state == LEADS_TO[move]
        else:
            with pytest.raises(Conflict) as refused:
                await counter.do(move, found)
            assert refused.value.code == f"return.cannot_{move}"
            assert await counter.load(found) == found
    await assert_clean()
