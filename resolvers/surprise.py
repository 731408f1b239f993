"""What a surprise is called where the contract has a code of its own for it."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError

from domain.errors import TesseraError


@contextmanager
def told_as(of_database: type[TesseraError], otherwise: type[TesseraError]) -> Iterator[None]:
    """Raise what nobody foresaw as one of these errors: of the database, or of our own code.

    The edges log its cause. A database that is away is no surprise.
    """
    try:
        yield
    except TesseraError:
        raise
    except SQLAlchemyError as error:
        raise of_database from error
    except Exception as error:
        raise otherwise from error
