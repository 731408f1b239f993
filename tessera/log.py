"""Messages to standard error: readable on a console, JSON lines for machines; ids, never personal data."""

import logging
import sys
from collections.abc import Sequence

import structlog
from structlog.types import Processor

from tessera.settings import Settings

_SHARED: Sequence[Processor] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.stdlib.ExtraAdder(allow=()),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
)


def configure_logging(settings: Settings) -> None:
    """Send what the product and its libraries log through one handler, in the format of the settings."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _renderer(settings),
            ],
            foreign_pre_chain=_SHARED,
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for chatty in ("alembic", "uvicorn.error"):
        # What they tell at every start, the shell tells in one message.
        logging.getLogger(chatty).setLevel("WARNING")
    # What a partner's server says goes into the outcome of the visit.
    logging.getLogger("paramiko").setLevel("CRITICAL")
    for carrier in ("httpx2", "httpcore2", "aiosqlite"):
        # They tell addresses and headers, which hold the secrets of a gateway, and the values of statements.
        logging.getLogger(carrier).setLevel("WARNING")
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _renderer(settings: Settings) -> Processor:
    if settings.log_format == "json":
        return structlog.processors.JSONRenderer()
    # The traceback without the values of variables, which may be secrets or personal data.
    return structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
    )
