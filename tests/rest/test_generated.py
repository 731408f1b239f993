"""Generated requests, good and bad: every answer is one that the OpenAPI document describes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from rest_compat.openapi import build_openapi
from rest_compat.routes import OPERATIONS
from tests.rest.world import World, open_world
from tests.scale import scaled

EXAMPLES = scaled(160)

# Wrong methods and missing tokens have their own tests; that numeric strings are read as numbers is
# published, and no fault.
CHOSEN = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)


@pytest.fixture
def portal() -> Iterator[BlockingPortal]:
    """An event loop in a thread of its own, because Hypothesis is not asynchronous."""
    with start_blocking_portal() as started:
        yield started


@pytest.fixture
def opened(portal: BlockingPortal, database_url: str, tmp_path: Path) -> Iterator[World]:
    """A world that lives in that loop."""
    with portal.wrap_async_context_manager(open_world(database_url, tmp_path)) as world:
        yield world


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_every_answer_is_documented(portal: BlockingPortal, opened: World, mode: GenerationMode) -> None:
    load_all_checks()
    checks: Any = CHECKS.get_by_names(CHOSEN)
    operations: list[Any] = list(schemathesis.openapi.from_dict(build_openapi()).get_all_operations())
    assert len(operations) == 2 * len(OPERATIONS)
    for found in operations:

        @given(case=found.ok().as_strategy(generation_mode=mode))
        @settings(max_examples=EXAMPLES, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
        def answers(case: Any) -> None:
            case.validate_response(portal.call(_sent, opened, case), checks=checks)

        answers()


async def _sent(world: World, case: Any) -> Any:
    """The answer to a generated request, with a good token in place of whatever was generated."""
    arguments = case.as_transport_kwargs(headers={"Authorization": f"Bearer {world.token}"})
    arguments.pop("cookies")
    content = arguments.pop("data", None)
    if isinstance(content, bytes | str):
        arguments["content"] = content
    elif content is not None:
        arguments["data"] = content
    return await world.client.request(**arguments)
