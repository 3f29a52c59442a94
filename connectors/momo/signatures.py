"""What MoMo signs, in which order: HMAC-SHA256, name=value joined by &, values not encoded (partners.md §1.1, §1.2)."""

from truc.trust.signing import Profile

CREATE = Profile(
    names=(
        "accessKey",
        "amount",
        "extraData",
        "ipnUrl",
        "orderId",
        "orderInfo",
        "partnerCode",
        "redirectUrl",
        "requestId",
        "requestType",
    )
)
QUERY = Profile(names=("accessKey", "orderId", "partnerCode", "requestId"))
IPN = Profile(
    names=(
        "accessKey",
        "amount",
        "extraData",
        "message",
        "orderId",
        "orderInfo",
        "orderType",
        "partnerCode",
        "payType",
        "requestId",
        "responseTime",
        "resultCode",
        "transId",
    )
)
# The v1 gateway's order is fixed, not alphabetical (partners.md §1.2). It is recognised and never booked.
IPN_V1 = Profile(
    names=(
        "partnerCode",
        "accessKey",
        "requestId",
        "amount",
        "orderId",
        "orderInfo",
        "orderType",
        "transId",
        "message",
        "localMessage",
        "responseTime",
        "errorCode",
        "payType",
        "extraData",
    )
)
# Ours, for the stand-in's statement: MoMo has published neither its transport nor its form.
STATEMENT = Profile(names=("accessKey", "day", "partnerCode"))
