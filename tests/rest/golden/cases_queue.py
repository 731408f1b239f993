"""Queued transactions: submit many, and poll what became of them."""

from dataclasses import replace

from domain.errors import BadRequest, BodyTooLarge, Forbidden, InvalidRequest, RedemptionNotFound
from resolvers.queue_work import work_queue
from tests.rest.golden.case import Ask, Case, asking, changed, refusal, success
from tests.rest.world import World

_QUEUE, _POLL = "InsertTransactionDataV2", "PollTransactionBatchStatus"
_UNKNOWN = "9E107D9D-372B-4A81-8C6B-3542A419D6E1"


async def _three(world: World) -> Ask:
    """One that will be posted, one that will be refused, and one that cannot be read."""
    good = world.purchase(await world.member(), 25, channel="web")
    refused, unreadable = (world.purchase("M-1", **fault) for fault in ({"product_code": "NONE"}, {"amount": "much"}))
    return Ask(body=[good, refused, unreadable])


async def _more_than_the_program_takes(world: World) -> Ask:
    await world.configure("version: 1\nprogram: {queue_limit: 2}")
    return await _three(world)


async def _queued(world: World) -> Ask:
    return await _polling(world, 0)


async def _in_work(world: World) -> Ask:
    return await _polling(world, 2)


async def _polling(world: World, posted: int) -> Ask:
    """A batch of three, of which so many were seen to."""
    reference = await world.member()
    purchases = [world.purchase(reference, **more) for more in ({"channel": "web"}, {"product_code": "NONE"}, {})]
    answer = await world.call(_QUEUE, purchases)
    if posted:
        await work_queue(world.services, limit=posted)
    return Ask(query={"batch_id": answer.value["batch_id"]})


async def _by_a_member(world: World) -> Ask:
    return replace(await _three(world), token=await world.bound_token("M-1"))


async def _polled_by_a_member(world: World) -> Ask:
    return replace(await _queued(world), token=await world.bound_token("M-1"))


CASES: tuple[Case, ...] = (
    success(_QUEUE, _three),
    refusal(_QUEUE, BadRequest, asking([])),
    refusal(_QUEUE, BadRequest, asking({}), "no-array"),
    refusal(_QUEUE, InvalidRequest, changed(_three, query={"pintProgramId": 10**19 - 1})),
    refusal(_QUEUE, Forbidden, _by_a_member),
    refusal(_QUEUE, BodyTooLarge, _more_than_the_program_takes),
    success(_POLL, _in_work),
    success(_POLL, _queued, "all-pending"),
    refusal(_POLL, BadRequest, asking()),
    refusal(_POLL, InvalidRequest, asking(query={"batch_id": "17"})),
    refusal(_POLL, Forbidden, _polled_by_a_member),
    refusal(_POLL, RedemptionNotFound, asking(query={"batch_id": _UNKNOWN})),
)
