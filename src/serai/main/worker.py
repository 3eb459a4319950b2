"""The worker process: delivers the event log to its subscribers and runs jobs and schedules."""

import asyncio
import logging
import os
from collections.abc import Mapping, Sequence
from datetime import timedelta

from serai.commerce.aftersale import jobs as aftersale_jobs
from serai.commerce.carrier import jobs as carrier_jobs
from serai.commerce.checkout import jobs as checkout_jobs
from serai.commerce.fulfilment import jobs as fulfilment_jobs
from serai.commerce.indexing import jobs as indexing_jobs
from serai.commerce.indexing.subscribers import SEARCH_ENTRIES
from serai.commerce.lot import jobs as lot_jobs
from serai.commerce.market import jobs as market_jobs
from serai.commerce.paper import jobs as paper_jobs
from serai.commerce.paper.subscribers import CREDIT_NOTES
from serai.commerce.pledge.subscribers import GOODS_LEFT
from serai.commerce.price import jobs as price_jobs
from serai.commerce.promotion import jobs as promotion_jobs
from serai.commerce.reconciliation import jobs as reconciliation_jobs
from serai.commerce.returns import jobs as returns_jobs
from serai.commerce.search import jobs as search_jobs
from serai.commerce.tender import jobs as tender_jobs
from serai.commerce.ucp.api import NEWS_JOB, news_handler
from serai.commerce.ucp.subscribers import AGENT_NEWS
from serai.commerce.webhook.jobs import send_webhooks
from serai.commerce.webhook.subscribers import WEBHOOKS
from serai.foundation import clock, observe
from serai.foundation.event import Subscriber, make_partitions, pump_events
from serai.foundation.job import JobHandler, Schedule, install_jobs, run_jobs, run_schedules
from serai.main.lookout import watch_lag
from serai.main.mailing import PostOffice, open_post_office
from serai.main.platform import Platform, open_configured_platform
from serai.main.seen import open_window
from serai.main.settings import load_settings
from serai.main.tracing import start_tracing, stop_tracing
from serai.main.upkeep import forget_old_data, keep_house
from serai.storefront import jobs as shop_jobs
from serai.storefront.subscribers import ALERTS, ANSWERS, group_letters, order_letters, return_letters

log = logging.getLogger("serai.worker")

POLL_S = 0.1
RETRY_S = 1.0


async def run_worker(stopped: asyncio.Event) -> None:
    """Work until ``stopped`` is set. The database may go and come back meanwhile."""
    observe.set_up_logging()
    settings = load_settings(os.environ)
    house = settings["foundation"]
    url = house.database_url
    if house.trace_url:
        start_tracing(house.trace_url, house.trace_share, house.process_name or "worker")
    await install_jobs(url)
    platform = await open_configured_platform(url, settings)
    await make_partitions(platform.owner, first_day=clock.now().date())
    log.info("the worker runs")
    post_office = open_post_office(platform, settings["foundation"])
    log.info(post_office.describe())
    loops = [
        *(asyncio.create_task(_pump(platform, each, stopped)) for each in list_subscribers(platform)),
        asyncio.create_task(run_jobs(platform.owner, list_jobs(platform, post_office), stopped)),
        asyncio.create_task(send_webhooks(platform.commerce, platform.owner, stopped)),
    ]
    try:
        async with open_window(house.data_dir, house.process_name, "worker") as window:
            loops.append(asyncio.create_task(watch_lag(platform.owner, window.sampler, stopped)))
            await run_schedules(platform.owner, list_schedules(platform), stopped)
    finally:
        stopped.set()
        await asyncio.gather(*loops, return_exceptions=True)
        await platform.close()
        stop_tracing()


def list_jobs(platform: Platform, post_office: PostOffice) -> Mapping[str, JobHandler]:
    """What is done once, when somebody has asked for it."""
    news = news_handler(platform.commerce, post_office.find_shop)
    return {**post_office.handlers, **paper_jobs.list_handlers(platform.commerce), NEWS_JOB: news}


def list_subscribers(platform: Platform) -> Sequence[Subscriber]:
    """Who listens to the event log."""
    return (
        order_letters(platform.commerce),
        group_letters(platform.commerce),
        return_letters(platform.commerce),
        ALERTS,
        ANSWERS,
        SEARCH_ENTRIES,
        WEBHOOKS,
        CREDIT_NOTES,
        AGENT_NEWS,
        GOODS_LEFT,
    )


def list_schedules(platform: Platform) -> Sequence[Schedule]:
    """What comes again and again."""
    commerce, owner = platform.commerce, platform.owner
    return (
        Schedule("expire orders", "* * * * * */5", lambda: aftersale_jobs.expire_orders(commerce, owner)),
        Schedule("apply planned prices", "* * * * * */5", lambda: price_jobs.apply_prices(commerce, owner)),
        Schedule("tell begun offers", "* * * * *", lambda: shop_jobs.tell_begun_offers(commerce, owner)),
        Schedule("ask for refunds", "* * * * * */15", lambda: aftersale_jobs.ask_refunds(commerce, owner)),
        Schedule("settle labels", "* * * * * */15", lambda: carrier_jobs.settle_labels(commerce, owner)),
        Schedule(
            "restock pick-ups", "* * * * *", lambda: fulfilment_jobs.restock_uncollected(commerce, owner)
        ),
        Schedule("align lots", "* * * * *", lambda: lot_jobs.align_all(commerce, owner)),
        Schedule("route orders", "* * * * * */5", lambda: fulfilment_jobs.route_orders(commerce, owner)),
        Schedule("reroute orders", "* * * * * */15", lambda: fulfilment_jobs.reroute_orders(commerce, owner)),
        Schedule("pay returns", "* * * * * */5", lambda: returns_jobs.pay_returns(commerce, owner)),
        Schedule("expire returns", "* * * * * */15", lambda: returns_jobs.expire_returns(commerce, owner)),
        Schedule("settle groups", "* * * * * */5", lambda: aftersale_jobs.settle_groups(commerce, owner)),
        Schedule("expire coupons", "* * * * * */30", lambda: promotion_jobs.expire_coupons(commerce, owner)),
        Schedule("expire tenders", "* * * * * */30", lambda: tender_jobs.expire_tenders(commerce, owner)),
        Schedule("count search words", "* * * * * */10", lambda: search_jobs.count_words(commerce, owner)),
        Schedule(
            "refresh search entries", "* * * * * */5", lambda: indexing_jobs.refresh_stale(commerce, owner)
        ),
        Schedule("follow offers", "* * * * * */5", lambda: indexing_jobs.refresh_offers(commerce, owner)),
        Schedule("refresh search", "* * * * *", lambda: search_jobs.refresh_search(commerce, owner)),
        Schedule(
            "end stuck checkouts", "* * * * * */30", lambda: market_jobs.end_stuck_checkouts(commerce, owner)
        ),
        Schedule("finish payouts", "* * * * * */30", lambda: market_jobs.finish_payouts(commerce, owner)),
        Schedule("lapse checkouts", "* * * * * */15", lambda: market_jobs.lapse_checkouts(commerce, owner)),
        Schedule(
            "check checkout payments",
            "* * * * * */15",
            lambda: market_jobs.check_checkout_payments(commerce, owner),
        ),
        Schedule("close presales", "* * * * * */5", lambda: checkout_jobs.close_presales(commerce, owner)),
        Schedule("tend balances", "* * * * * */5", lambda: checkout_jobs.tend_balances(commerce, owner)),
        Schedule(
            "finish statements",
            "* * * * *",
            lambda: reconciliation_jobs.finish_statements(commerce, owner),
        ),
        Schedule(
            "fetch statements",
            "3,18,33,48 * * * *",
            lambda: reconciliation_jobs.fetch_statements(commerce, owner),
        ),
        Schedule("remind of invoices", "41 * * * *", lambda: shop_jobs.remind_invoices(commerce, owner)),
        Schedule("tend pledges", "* * * * * */10", lambda: checkout_jobs.tend_pledges(commerce, owner)),
        Schedule("check payments", "* * * * * */15", lambda: checkout_jobs.check_payments(commerce, owner)),
        Schedule(
            "make event partitions",
            "7 * * * *",
            lambda: make_partitions(owner, first_day=clock.now().date() + timedelta(days=1)),
        ),
        Schedule("keep house", "11 * * * *", lambda: keep_house(platform)),
        Schedule("forget old data", "23 3 * * *", lambda: forget_old_data(platform)),
    )


async def _pump(platform: Platform, subscriber: Subscriber, stopped: asyncio.Event) -> None:
    """Deliver events to one subscriber; a failing one waits and comes again without holding up the others."""
    while not stopped.is_set():
        try:
            moved = await pump_events(platform.owner, platform.db, subscriber)
            pause_s = 0.0 if moved else POLL_S
        except Exception:
            log.exception("subscriber %s failed", subscriber.name)
            pause_s = RETRY_S
        if pause_s:
            await asyncio.sleep(pause_s)
