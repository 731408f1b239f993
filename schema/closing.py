"""How a WebSocket ends: the close codes, and the exceptions that carry them."""

# The close codes of the protocol, and two of WebSockets that clients answer by coming back.
BAD_REQUEST, UNAUTHORIZED, FORBIDDEN = 4400, 4401, 4403
NO_SUBPROTOCOL, INIT_TIMEOUT, ID_TAKEN, TOO_MANY_INITS = 4406, 4408, 4409, 4429
INTERNAL_ERROR, SERVICE_RESTART, TRY_AGAIN = 4500, 1012, 1013


class Closed(Exception):
    """The connection is to be closed."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class ClientLeft(Exception):
    """The client closed the connection, or takes nothing any more."""
