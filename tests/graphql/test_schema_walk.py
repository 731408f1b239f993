"""What holds of every field of the schema, so that it holds of the next one as well."""

from graphql import (
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_list_type,
    is_non_null_type,
)

from schema.connection import DEFAULT_PAGE
from schema.cost import default_size
from schema.global_id import encode
from tests.graphql.test_schema import BUILT, OWN
from tests.graphql.world import Caller, World

OF_THE_CONFIGURATION = "as many as the configuration has, which is limited (docs/rules.md)"
OF_ONE_THING = "as many as one transaction, posting or movement has parts"
OF_THE_INPUT = "one for each item of an input whose number is limited"
OF_A_TABLE = "as many as a table of the program text has"

BOUNDED = {
    "AttributeDefinition.values": OF_THE_CONFIGURATION,
    "CatalogItem.segments": OF_THE_CONFIGURATION,
    "CatalogItem.tiers": OF_THE_CONFIGURATION,
    "Configuration.attributeDefinitions": OF_THE_CONFIGURATION,
    "Configuration.productCodes": OF_THE_CONFIGURATION,
    "Configuration.ruleGroups": OF_THE_CONFIGURATION,
    "Configuration.segments": OF_THE_CONFIGURATION,
    "Configuration.aggregates": OF_THE_CONFIGURATION,
    "Explanation.tierLevels": OF_THE_CONFIGURATION,
    "FileSettings.exports": OF_THE_CONFIGURATION,
    "PartnerServerRecord.pull": OF_A_TABLE,
    "SftpLogin.keys": "at most twenty of a login",
    "Webhook.eventTypes": "at most fifty of an endpoint",
    "Member.attributes": OF_THE_CONFIGURATION,
    "Member.segments": OF_THE_CONFIGURATION,
    "PointsSimulatePayload.entries": OF_THE_CONFIGURATION,
    "PointsSimulatePayload.fruitless": OF_THE_CONFIGURATION,
    "PointsSimulatePayload.caps": OF_THE_CONFIGURATION,
    "ProductCode.subCodes": OF_THE_CONFIGURATION,
    "Program.redemptionTypes": OF_THE_CONFIGURATION,
    "Program.tiers": OF_THE_CONFIGURATION,
    "Query.campaigns": OF_THE_CONFIGURATION,
    "RuleGroup.rules": OF_THE_CONFIGURATION,
    "RulesBackTestPayload.groups": OF_THE_CONFIGURATION,
    "Transaction.attributes": OF_THE_CONFIGURATION,
    "ExplainedRule.inputs": OF_ONE_THING,
    "Explanation.rules": OF_ONE_THING,
    "Explanation.factors": OF_ONE_THING,
    "Explanation.caps": OF_ONE_THING,
    "Explanation.lots": OF_ONE_THING,
    "Reversal.lots": OF_ONE_THING,
    "TransactionPayload.externalReferences": OF_ONE_THING,
    "TransactionPayload.entries": OF_ONE_THING,
    "MemberPayload.ignoredKeys": OF_THE_INPUT,
    "PointsSimulatePayload.ignoredKeys": OF_THE_INPUT,
    "TransactionPayload.ignoredKeys": OF_THE_INPUT,
    "TransactionsPayload.results": OF_THE_INPUT,
    "TransactionsQueuePayload.requestIds": OF_THE_INPUT,
    "Query.nodes": OF_THE_INPUT,
    "BatchTotals.rejected": OF_A_TABLE,
    "Member.categorizedStatement": OF_A_TABLE,
    "Program.signInMethods": OF_A_TABLE,
    "Query.errors": OF_A_TABLE,
    "ExpirySchedule.periods": "at most one for each day of a year",
    "Query.memberSessions": "50 at most",
    "RulesBackTestPayload.largest": "ten",
    "Statement.entries": "the argument `first` of the field that gives the statement",
}
"""The lists without `first`, and why each of them ends."""

MOVING = {
    "transactionSubmit",
    "transactionApprove",
    "transactionReject",
    "pointsRedeem",
    "redemptionReverse",
    "holdCreate",
    "holdSettle",
    "holdCancel",
    "pointsTransfer",
    "pointsAdjust",
    "pointsAdjustApprove",
    "bonusPost",
    "memberMerge",
    "orderPlace",
    "orderCancel",
    "orderFail",
}
"""The mutations that move points at once."""

KEYLESS = {"transactionsSubmit": "transactions", "transactionsQueue": "transactions"}
"""Those whose keys stand with each item of a list."""

OF_MEMBERS = {
    "pointsRedeem": "{points: 1%s}",
    "holdCreate": "{points: 1%s}",
    "pointsTransfer": '{toRelationReference: "M-2", points: 1%s}',
}
"""The mutations by which a member's points leave its hands."""


def _fields() -> dict[str, GraphQLField]:
    return {
        f"{name}.{field}": definition
        for name, one in OWN.items()
        if isinstance(one, GraphQLObjectType)
        for field, definition in one.fields.items()
    }


def test_every_list_is_a_connection_or_takes_a_size_or_ends_by_itself() -> None:
    without_size = {
        name
        for name, field in _fields().items()
        if is_list_type(get_nullable_type(field.type))
        and "first" not in field.args
        and not name.endswith("Connection.edges")
    }
    assert without_size == set(BOUNDED)


def test_every_size_has_a_default_that_the_cost_knows() -> None:
    for name, field in _fields().items():
        if "first" in field.args:
            assert 1 <= default_size(field) <= 100, name
            is_connection = get_named_type(field.type).name.endswith("Connection")
            assert not is_connection or default_size(field) == DEFAULT_PAGE, name


def test_every_connection_goes_on_behind_a_cursor() -> None:
    for name, field in _fields().items():
        if get_named_type(field.type).name.endswith("Connection"):
            assert {"first", "after"} <= set(field.args), name
            assert ("last" in field.args) == ("before" in field.args), name
            assert not any(is_non_null_type(field.args[one].type) for one in ("first", "after")), name


def test_what_has_a_global_id_is_a_node() -> None:
    node = OWN["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    others = {
        name
        for name, one in OWN.items()
        if isinstance(one, GraphQLObjectType) and "id" in one.fields and node not in one.interfaces
    }
    # Of a session and of a merge the id is what ends it, or undoes it, with.
    assert others == {"MemberSession", "Merge"}


def test_filters_and_orders_are_optional_inputs() -> None:
    found = set()
    for name, field in _fields().items():
        for argument in ("filter", "orderBy"):
            if argument in field.args:
                given = field.args[argument].type
                assert isinstance(given, GraphQLInputObjectType), name
                found.add(f"{name}.{argument}")
    assert found == {
        "Member.ledger.filter",
        "Member.transactions.filter",
        "Query.batches.filter",
        "Query.exports.filter",
        "Query.members.filter",
        "Query.members.orderBy",
        "Query.orders.filter",
    }


def test_mutations_that_move_points_take_a_key() -> None:
    assert BUILT.mutation_type is not None
    for name, field in BUILT.mutation_type.fields.items():
        given = get_nullable_type(field.args["input"].type)
        assert isinstance(given, GraphQLInputObjectType)
        assert name not in MOVING or "idempotencyKey" in given.fields, name
        if name in KEYLESS:
            item = get_named_type(given.fields[KEYLESS[name]].type)
            assert isinstance(item, GraphQLInputObjectType)
            assert "idempotencyKey" in item.fields
    assert set(BUILT.mutation_type.fields) >= MOVING


async def test_members_move_points_with_a_key_only(world: World, server: Caller) -> None:
    app = await world.caller(member=await world.member(server, 100))
    await world.member(server, relationReference="M-2")
    async with world.nothing_written():
        for name, given in OF_MEMBERS.items():
            answer = await app.ask(f"mutation {{{name}(input: {given % ''}) {{replayed}}}}")
            assert answer.refusal == ("BAD_USER_INPUT", "BAD_REQUEST", "999", "idempotencyKey"), name
    for name, given in OF_MEMBERS.items():
        key = f', idempotencyKey: "{name}"'
        assert (await app.ask(f"mutation {{{name}(input: {given % key}) {{replayed}}}}")).data == {
            name: {"replayed": False}
        }


async def test_global_ids_of_every_kind_are_looked_up(world: World) -> None:
    administrator = await world.administrator(program=1)
    node = OWN["Node"]
    kinds = [one.name for one in BUILT.get_possible_types(node)]  # type: ignore[arg-type]
    for kind in kinds:
        key = "6f9619ff-8b86-4011-b42d-00cf4fc964ff" if kind == "Redemption" else 999
        answer = await administrator.ask("query($id: ID!) {node(id: $id) {id}}", id=encode(kind, 1, key))
        if kind != "Program":
            assert answer.data == {"node": None}, kind
