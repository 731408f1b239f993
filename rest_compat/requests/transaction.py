"""The fields of submitted transactions."""

from rest_compat.field import Field, FieldTable, Need
from rest_compat.requests.shared import KEY, program, reference
from rest_compat.value import guid, moment, number, text

TRANSACTION_BODY = FieldTable(
    Field(
        name="transaction_id",
        kind=text(100),
        need=Need.REQUIRED,
        description="The caller's id of the transaction.",
        example="T-1",
    ),
    Field(
        name="amount",
        kind=number(0),
        need=Need.REQUIRED,
        description="What the member spent, or was paid back.",
        example=25,
    ),
    Field(
        name="transaction_date",
        kind=moment(),
        need=Need.REQUIRED,
        description="When; a date or date-time, without a zone in the program's.",
        example="2026-02-03T11:16:03",
    ),
    reference("member_relation_reference", need=Need.OPTIONAL),
    Field(
        name="card_number",
        kind=text(100),
        description="A card that is linked to the member; names the member where no reference does.",
    ),
    Field(
        name="sub_relation_identifier",
        kind=text(100),
        description="The identifier of a sub-relation of the member; as the card.",
    ),
    Field(
        name="transaction_type",
        kind=text(10),
        need=Need.REQUIRED,
        description="`DR`: the member spent, which earns. `CR`: a refund of the purchase with this id, or of a part.",
        example="DR",
    ),
    Field(name="product_code", kind=text(100), description="A product code of the program.", example="MUSIC"),
    Field(name="sub_product_code", kind=text(100), description="A sub product code of that product code."),
    program("ProgramId"),
    KEY,
    one_of=("member_relation_reference", "card_number", "sub_relation_identifier"),
)

BATCH_QUERY = FieldTable(
    Field(
        name="batch_id",
        kind=guid(),
        need=Need.REQUIRED,
        aliases=("batchId", "pstrBatchId"),
        description="What the submission was answered with.",
        example="9E107D9D-372B-4A81-8C6B-3542A419D6E1",
    ),
    program("pintProgramId", "ProgramId"),
)
