"""MiniStack as if it stood behind TLS, and knew which items a request is about.

With AUTH=true it verifies signatures and roles, and the policies of buckets and queues, which refuse what comes without
TLS; on loopback there is none. Conditions of roles on dynamodb:LeadingKeys hold for every request whose context lacks
them, so they are put in.
"""
import json
import re
import sys

import ministack.core.iam_actions as iam_actions
import ministack.core.iam_evaluator as evaluator

pin_request_origin = evaluator.pin_request_origin
evaluator.pin_request_origin = lambda ip, _secure: pin_request_origin(ip, True)

PARTITION_KEY = "pk"


def leading_keys(request: dict) -> list[str]:
    """The partition keys of the items that a request names, or the one that it queries, of the index where it names one."""
    condition = re.match(r"#?\w+ = (:\w+)", request.get("KeyConditionExpression", ""))
    items = [request[member] for member in ("Key", "Item") if member in request]
    for asked in request.get("RequestItems", {}).values():
        for one in asked["Keys"] if isinstance(asked, dict) else asked:
            items.append(one.get("PutRequest", {}).get("Item") or one.get("DeleteRequest", {}).get("Key") or one)
    keys = [item[PARTITION_KEY] for item in items if PARTITION_KEY in item]
    if condition:
        keys.append(request["ExpressionAttributeValues"][condition[1]])
    return [key["S"] for key in keys]


service_context = iam_actions.dynamodb_service_context


def context_with_leading_keys(body: bytes) -> dict:
    context = service_context(body)
    keys = leading_keys(json.loads(body or b"{}"))
    # A Scan, for one, names none.
    return {**context, "dynamodb:LeadingKeys": keys} if keys else context


iam_actions.dynamodb_service_context = context_with_leading_keys

from ministack.app import main  # it takes the function above by name

sys.exit(main())
