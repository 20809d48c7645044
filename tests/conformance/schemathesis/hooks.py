# SPDX-License-Identifier: Apache-2.0
"""Read by schemathesis (SCHEMATHESIS_HOOKS). Half of what it generates names things that exist, so
that it meets more than 404; and what a schema cannot say of valid data is put right."""

import hashlib
import json
import os

import schemathesis
from schemathesis import GenerationMode

KNOWN = json.loads(os.environ["SPOTLIST_KNOWN"])  # {path parameter: value that exists}
# They end what the others need: unknown ids only. Stateful testing ends what it made itself.
DESTRUCTIVE = {"video_delete", "video_cancel"}


def digest(*parts):
    text = json.dumps(parts, default=str, sort_keys=True)
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def is_positive(case, location):
    """Whether this part of the request was made to fit its schema."""
    for where, part in case.meta.components.items():
        if where.value == location:
            return part.mode == GenerationMode.POSITIVE
    return True


def fits_in_bytes(body):
    """The program counts bytes of UTF-8 where a schema counts characters."""
    limits = {"filename": 255, "content_type": 127, "title": 500, "source": 1024}
    texts = [(body.get(name), limit) for name, limit in limits.items()]
    tags = body.get("tags")
    texts += [(tag, 64) for tag in tags] if isinstance(tags, list) else []
    return all(not isinstance(text, str) or len(text) > limit or
               len(text.encode(errors="replace")) <= limit for text, limit in texts)


@schemathesis.hook
def filter_body(context, body):
    return not isinstance(body, dict) or fits_in_bytes(body)


def agree(case):
    """Parameters that are each valid, and together not."""
    query = case.query
    parameters = {one["name"]: one.get("example") for one in
                  map(resolved(case), case.operation.definition.raw.get("parameters", []))}
    for name in query.keys() & {"min_gap", "min_duration", "max_duration", "drop_frame", "start",
                                "month", "from", "to", "created_from", "created_before"}:
        query[name] = parameters[name]  # a time, within limits that depend
    if "at" in query:
        query.pop("from", None)
        query.pop("to", None)
    if query.get("sort") == "match" and not query.get("prefix"):
        del query["sort"]
    if case.operation.definition.raw["operationId"] == "search":
        agree_in_search(query)


def agree_in_search(query):
    if "q" in query:  # with a word that must be said, and few
        query["q"] = "launch " + str(query["q"])[:30]
    for name in query.keys() & {"celebrity", "label"}:  # together at most 8
        query[name] = query[name][:4]
    wanted = len(query.get("celebrity", [])) + len(query.get("label", [])) + ("q" in query)
    if wanted < 2:
        query.pop("within", None)


def resolved(case):
    document = case.operation.schema.raw_schema

    def resolve(node):
        while "$ref" in node:
            target = document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node
    return resolve


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.meta is None:
        return
    operation = case.operation.definition.raw["operationId"]
    # A cursor is what an answer gave, and a key belongs to one request: valid ones cannot be made up.
    if case.query and "cursor" in case.query and is_positive(case, "query"):
        del case.query["cursor"]
    if case.headers and "Idempotency-Key" in case.headers and is_positive(case, "header"):
        case.headers["Idempotency-Key"] = digest(case.path_parameters, case.body)
    # Beyond twice the longest target the connection is cut, which counts as an error there.
    if case.query and len(str(case.query)) > 3000:
        for name, value in case.query.items():
            case.query[name] = value[:1] if isinstance(value, list) else str(value)[:500]
    if case.query and is_positive(case, "query"):
        agree(case)
    # Which addresses may be called back is not for a schema to say either.
    if isinstance(case.body, dict) and "callback" in case.body and is_positive(case, "body"):
        case.body["callback"] = {"url": KNOWN["callback"]}
    if case.path_parameters and case.meta.phase.name.value != "stateful" \
            and operation not in DESTRUCTIVE and is_positive(case, "path") \
            and int(digest(case.path_parameters, case.query)[:2], 16) % 2:
        for name in KNOWN.keys() & case.path_parameters.keys():
            case.path_parameters[name] = KNOWN[name]
