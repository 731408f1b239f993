"""The GraphQL documents of a deployment: those of its list, if it has one."""

from schema.build import schema
from schema.document import Documents
from schema.trusted import TrustedRefused, read_trusted
from tessera.settings import PREFIX, Settings, SettingsRefused


def open_documents(settings: Settings) -> Documents:
    """The documents, those of the list prepared already. Raises SettingsRefused for one that would not run."""
    file = settings.graphql_documents
    try:
        return Documents(
            schema,
            introspection=settings.introspection_enabled,
            trusted=read_trusted(file) if file is not None else {},
            only_trusted=settings.graphql_trusted_only,
        )
    except TrustedRefused as refused:
        raise SettingsRefused(f"{PREFIX}GRAPHQL_DOCUMENTS: {refused}.") from None
