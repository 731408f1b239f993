"""What the OpenAPI document says of an answer."""

from functools import cache

from jsonschema import Draft202012Validator

from rest_compat.openapi import build_openapi


@cache
def documented(path: str, method: str, status: int) -> Draft202012Validator:
    """What the OpenAPI document says of the body of an answer."""
    document = build_openapi()
    response = document["paths"][path][method.lower()]["responses"][str(status)]
    if "$ref" in response:
        response = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
    schema = response["content"]["application/json"]["schema"]
    return Draft202012Validator({**schema, "components": document["components"]})
