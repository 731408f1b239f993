"""The errors of the catalogue and its orders: part of the table in `domain.errors`."""

from domain.refusal import TesseraError


class CatalogItemNotFound(TesseraError, code="1380", status=404, message="Catalogue item does not exist"):
    """The program's catalogue has no item of this code."""


class CatalogItemClosed(
    TesseraError, code="1381", status=422, message="Catalogue item is not on offer", binds_key=True
):
    """The item is switched off, or its time has not come or is over."""


class NotEligible(TesseraError, code="1382", status=422, message="Member may not order this item", binds_key=True):
    """The item is for members of other tiers or segments; never says which."""


class OrderLimitReached(TesseraError, code="1383", status=422, message="Order limit is reached", binds_key=True):
    """The member has as many orders of the item as it may have in the period."""


class OutOfStock(TesseraError, code="1384", status=422, message="Out of stock", binds_key=True):
    """Nothing is left of the item, or no voucher code."""


class PriceChanged(TesseraError, code="1385", status=409, message="Price has changed"):
    """The item costs other points than the caller was shown; the detail says how many."""


class OrderNotFound(TesseraError, code="1386", status=404, message="Order does not exist"):
    """No order of this program has this id, or it is another member's."""


class OrderNotOpen(TesseraError, code="1387", status=409, message="Order is no longer open"):
    """The order was fulfilled or reversed before, or, to cancel it, is with the partner who fulfils it."""


class RedemptionOfOrder(TesseraError, code="1388", status=409, message="Redemption belongs to an order"):
    """Its points come back with the order: cancel it or let it fail; a fulfilled one is final."""


class VoucherCodesRefused(TesseraError, code="1389", status=409, message="Voucher codes refused"):
    """Some codes are there already, twice among those given, or cannot be read; none was taken."""


class PartnerNotFound(TesseraError, code="1379", status=404, message="Fulfilment partner does not exist"):
    """No partner of this program who fulfils orders has this name."""
