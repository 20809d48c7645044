# SPDX-License-Identifier: Apache-2.0
"""Requests on the wire, read by botocore's service models: wire form to parameters, and the checks
that botocore's ParamValidator leaves out (enums, patterns, upper bounds)."""

import json
import re
import urllib.parse
import xml.etree.ElementTree

import botocore.model
import botocore.session

SERVICES = ["s3", "mediaconvert", "rekognition", "transcribe", "dynamodb", "sns", "sts", "iam",
            "events"]
_session = botocore.session.get_session()
MODELS = {name: _session.get_service_model(name) for name in SERVICES}


def _without_query_names(value):
    """A model without the names that the query protocol has of its own."""
    if isinstance(value, list):
        return [_without_query_names(item) for item in value]
    if isinstance(value, dict):
        return {name: _without_query_names(item) for name, item in value.items()
                if not (name in ("locationName", "flattened") and isinstance(item, (str, bool)))}
    return value


def _sqs():
    """SQS speaks JSON since 2023; Debian 12's botocore knows its query protocol only, with the same
    operations and shapes."""
    description = _session.get_component("data_loader").load_service_model("sqs", "service-2")
    if description["metadata"]["protocol"] == "query":
        description = {**description, "shapes": _without_query_names(description["shapes"])}
        description["metadata"] = {**description["metadata"], "protocol": "json",
                                   "jsonVersion": "1.0", "targetPrefix": "AmazonSQS"}
    return botocore.model.ServiceModel(description, "sqs")


MODELS["sqs"] = _sqs()


def from_wire(value, shape):
    """A JSON value whose members bear their wire names, as parameters under the model's names."""
    if shape.type_name == "structure":
        names = {member.serialization.get("name", name): name
                 for name, member in shape.members.items()}
        return {names[key]: from_wire(item, shape.members[names[key]])
                for key, item in value.items()}  # KeyError: a member that the model has not
    if shape.type_name == "list":
        return [from_wire(item, shape.member) for item in value]
    if shape.type_name == "map":
        return {key: from_wire(item, shape.value) for key, item in value.items()}
    return value


def from_xml(element, shape):
    """The same of an XML element; lists are flattened, as S3's are in requests."""
    if shape.type_name != "structure":
        return _typed(element.text or "", shape)
    members = {member.serialization.get("name", name): (name, member)
               for name, member in shape.members.items()}
    value = {}
    for child in element:
        name, member = members[child.tag.rpartition("}")[2]]
        if member.type_name == "list":
            assert member.serialization.get("flattened")
            value.setdefault(name, []).append(from_xml(child, member.member))
        else:
            assert name not in value
            value[name] = from_xml(child, member)
    return value


def _typed(text, shape):
    if shape.type_name == "boolean":
        return {"true": True, "false": False}[text]
    return int(text) if shape.type_name in ("integer", "long") else text


def from_form(form, prefix, shape):
    """The value below a name of a form, whose fields it takes out."""
    if shape.type_name == "structure":
        members = ((name, prefix + member.serialization.get("name", name), member)
                   for name, member in shape.members.items())
        return {name: from_form(form, at, member) for name, at, member in members
                if any(field == at or field.startswith(at + ".") for field in form)}
    if shape.type_name == "map":
        entries = _numbered(form, prefix + ".entry.")
        return {form.pop(at + ".key"): from_form(form, at + ".value", shape.value)
                for at in entries}
    if shape.type_name == "list":
        inside = shape.member.type_name == "structure"
        return [from_form(form, at + "." * inside, shape.member)
                for at in _numbered(form, prefix + ".member.")]
    return _typed(form.pop(prefix), shape)


def _numbered(form, prefix):
    numbers = {int(field[len(prefix):].partition(".")[0]) for field in form
               if field.startswith(prefix)}
    assert numbers == set(range(1, len(numbers) + 1)), (prefix, numbers)
    return [f"{prefix}{number}" for number in sorted(numbers)]


def _decode_rest(operation, request):
    """URI, query and headers of a REST request."""
    raw_path, _, raw_query = request.target.partition("?")
    template = operation.http["requestUri"].partition("?")[0]
    if operation.service_model.service_name == "s3" and "{Bucket}" not in template:
        template = "/{Bucket}" + template.rstrip("/")
    pattern = re.sub(r"\\{(\w+)(\\\+)?\\}",
                     lambda m: f"(?P<{m[1]}>.+)" if m[2] else f"(?P<{m[1]}>[^/]+)",
                     re.escape(template))
    match = re.fullmatch(pattern + "/?", raw_path)
    assert match, (raw_path, template)
    in_uri = {name: urllib.parse.unquote(value) for name, value in match.groupdict().items()}
    query = dict(urllib.parse.parse_qsl(raw_query, keep_blank_values=True, strict_parsing=True)) \
        if raw_query else {}
    fixed = dict(urllib.parse.parse_qsl(operation.http["requestUri"].partition("?")[2],
                                        keep_blank_values=True))
    parameters = {}
    for name, member in operation.input_shape.members.items():
        place = member.serialization.get("location")
        wire_name = member.serialization.get("name", name)
        if place == "uri" and wire_name in in_uri:
            parameters[name] = in_uri[wire_name]
        elif place == "querystring" and wire_name in query:
            parameters[name] = _typed(query.pop(wire_name), member)
        elif place == "header" and request.header(wire_name) is not None and \
                wire_name.lower() not in ("content-length", "x-amz-content-sha256"):
            parameters[name] = request.header(wire_name)
    assert query == fixed, "query parameters that the model has not"
    return parameters


def decode_request(model, operation, request):
    """The parameters of a request, as one would pass them to boto3."""
    protocol = model.metadata["protocol"]
    if protocol == "json":
        assert request.method == "POST" and request.target == "/"
        assert request.header("Content-Type") == \
            "application/x-amz-json-" + model.metadata["jsonVersion"]
        return from_wire(json.loads(request.body), operation.input_shape)
    if protocol == "query":
        assert request.header("Content-Type").startswith("application/x-www-form-urlencoded")
        form = dict(urllib.parse.parse_qsl(request.body.decode(), strict_parsing=True))
        assert form.pop("Action") == operation.name
        assert form.pop("Version") == model.metadata["apiVersion"]
        parameters = from_form(form, "", operation.input_shape) if operation.input_shape else {}
        assert not form, "fields that the model has not"
        return parameters
    parameters = _decode_rest(operation, request)
    if protocol == "rest-json":
        assert (request.header("Content-Type") == "application/json") == bool(request.body)
        if request.body:
            parameters.update(from_wire(json.loads(request.body), operation.input_shape))
    elif operation.name == "PutObject":
        parameters["Body"] = request.body
    elif request.body:
        payload = operation.input_shape.serialization["payload"]
        shape = operation.input_shape.members[payload]
        parameters[payload] = request.body.decode() if shape.type_name == "string" else \
            from_xml(xml.etree.ElementTree.fromstring(request.body), shape)
    return parameters


def sorted_xml(text):
    """XML in comparable form: elements of different names have no order in S3's requests."""
    root = xml.etree.ElementTree.fromstring(text)
    for element in root.iter():
        element[:] = sorted(element, key=lambda child: child.tag)  # stable: lists keep theirs
    return xml.etree.ElementTree.canonicalize(xml.etree.ElementTree.tostring(root))


def wire_form(request):
    """What botocore's serializer settles, in comparable form."""
    path, _, query = request.target.partition("?")
    content_type = request.header("Content-Type") or ""
    body = request.body
    if body and "json" in content_type:
        body = json.loads(body)
    elif "form-urlencoded" in content_type:
        body = sorted(urllib.parse.parse_qsl(body.decode()))
    elif content_type == "application/xml":
        body = sorted_xml(body)
    return {"method": request.method, "path": urllib.parse.unquote(path),
            "query": sorted(urllib.parse.parse_qsl(query, keep_blank_values=True)),
            "body": body or None, "target": request.header("X-Amz-Target"),
            "range": request.header("Range")}


def strict_report(value, shape, path=""):
    """Violations of enums, patterns and bounds, as (path, value, rule)."""
    if shape is None:
        return []
    found = []
    limits = shape.metadata
    if shape.type_name == "structure":
        for name, item in value.items():
            found += strict_report(item, shape.members[name], f"{path}.{name}")
    elif shape.type_name == "list":
        for index, item in enumerate(value):
            found += strict_report(item, shape.member, f"{path}[{index}]")
    elif shape.type_name == "map":
        for key, item in value.items():
            found += strict_report(key, shape.key, f"{path}.{key} (key)")
            found += strict_report(item, shape.value, f"{path}.{key}")
    elif shape.type_name == "string":
        if shape.enum and value not in shape.enum:
            found.append((path, value, shape.enum))
        pattern = limits.get("pattern")
        # Python's re knows no \p{…}; no pattern of ours depends on it.
        if pattern and r"\p{" not in pattern and not re.search(pattern, value):
            found.append((path, value, pattern))
    size = len(value) if isinstance(value, (str, list, dict, bytes)) else value
    if shape.type_name not in ("structure", "boolean", "timestamp"):
        if "min" in limits and size < limits["min"] or "max" in limits and size > limits["max"]:
            found.append((path, value, {k: limits[k] for k in ("min", "max") if k in limits}))
    return found
