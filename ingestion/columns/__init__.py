"""From the columns of a file to commands: the same keys and the same readings as the API. A module for each type."""

from ingestion.columns.header import Columns, accept_header
from ingestion.columns.translation import Translate, translator

__all__ = ["Columns", "Translate", "accept_header", "translator"]
