"""Mutations of what there is to order, and of who fulfils."""

from datetime import date

import strawberry

from resolvers.catalog_stock import ChangeStock, ImportCodes, change_stock, import_codes, withdraw_codes
from resolvers.fulfilment_partner import SavePartner, remove_partner, save_partner
from schema.context import Info
from schema.field import mutation
from schema.types.catalog import FulfilmentPartner, to_partner


@strawberry.input(description="What there is of an item: one of `quantity` and `by`.")
class CatalogStockChangeInput:
    item: str = strawberry.field(description="The code of an item whose stock is counted.")
    quantity: int | None = strawberry.field(default=None, description="How many pieces there are now.")
    by: int | None = strawberry.field(default=None, description="How many came or, where negative, went.")


@strawberry.type(description="What there is of an item.")
class CatalogStockPayload:
    item: str = strawberry.field(description="The item's code.")
    stock: int = strawberry.field(description="How many pieces there are now.")


@strawberry.input(description="Voucher codes for a pool, all or none.")
class VoucherCodesImportInput:
    pool: str = strawberry.field(description="The pool's name; a new one begins with its first codes.")
    codes: list[str] = strawberry.field(
        description="At most 10,000 codes of up to 200 characters. What the pool has, or ever had, is refused."
    )
    last_day: date | None = strawberry.field(
        default=None, description="The last day on which they are given, in the program's time zone; null: any."
    )


@strawberry.input(description="A pool whose codes are not to be given any more.")
class VoucherCodesWithdrawInput:
    pool: str = strawberry.field(description="The pool's name.")


@strawberry.type(description="What became of the codes of a pool.")
class VoucherCodesPayload:
    pool: str = strawberry.field(description="The pool's name.")
    codes: int = strawberry.field(description="How many codes it was about.")


@strawberry.input(description="A partner to whom orders are posted. Of one that is known the URL is replaced.")
class FulfilmentPartnerSaveInput:
    name: str = strawberry.field(description="Its name, as items name it: up to 50 characters.")
    url: str = strawberry.field(description="Where orders are posted to.")
    enabled: bool = strawberry.field(default=True, description="Whether orders are posted; where not, they wait.")
    rotate_secret: bool = strawberry.field(
        default=False, description="Give it a new secret; the former one is good no longer."
    )


@strawberry.input(description="A partner to forget.")
class FulfilmentPartnerRemoveInput:
    name: str = strawberry.field(description="Its name in the program.")


@strawberry.type(description="A partner who fulfils orders.")
class FulfilmentPartnerPayload:
    partner: FulfilmentPartner = strawberry.field(description="The partner, as it is known now.")
    secret: str | None = strawberry.field(
        description="What orders are signed with, where it is new: it is shown this once."
    )


@strawberry.type(description="A partner that was forgotten.")
class FulfilmentPartnerRemovePayload:
    name: str = strawberry.field(description="The name that it had.")


@strawberry.type
class CatalogMutation:
    @mutation("Say how many pieces there are of an item whose stock is counted.")
    async def catalog_stock_change(self, info: Info, input: CatalogStockChangeInput) -> CatalogStockPayload | None:
        command = ChangeStock(item=input.item, quantity=input.quantity, by=input.by)
        return CatalogStockPayload(item=input.item, stock=await change_stock(info.context.changing(), command))

    @mutation("Take voucher codes into a pool, all or none. They are kept sealed, and each is given once ever.")
    async def voucher_codes_import(self, info: Info, input: VoucherCodesImportInput) -> VoucherCodesPayload | None:
        command = ImportCodes(pool=input.pool, codes=input.codes, last_day=input.last_day)
        return VoucherCodesPayload(pool=input.pool, codes=await import_codes(info.context.changing(), command))

    @mutation("Take all codes out of a pool that were not given yet. They can never be taken in again.")
    async def voucher_codes_withdraw(self, info: Info, input: VoucherCodesWithdrawInput) -> VoucherCodesPayload | None:
        codes = await withdraw_codes(info.context.changing(), input.pool)
        return VoucherCodesPayload(pool=input.pool, codes=codes)

    @mutation("Keep a partner who fulfils orders, or change the one of its name.")
    async def fulfilment_partner_save(
        self, info: Info, input: FulfilmentPartnerSaveInput
    ) -> FulfilmentPartnerPayload | None:
        command = SavePartner(name=input.name, url=input.url, enabled=input.enabled, rotate_secret=input.rotate_secret)
        saved = await save_partner(info.context.changing(), command)
        return FulfilmentPartnerPayload(partner=to_partner(saved), secret=saved.secret)

    @mutation("Forget a partner and its secret; orders that are with it fail when their time is over.")
    async def fulfilment_partner_remove(
        self, info: Info, input: FulfilmentPartnerRemoveInput
    ) -> FulfilmentPartnerRemovePayload | None:
        await remove_partner(info.context.changing(), input.name)
        return FulfilmentPartnerRemovePayload(name=input.name)
