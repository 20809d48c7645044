# SPDX-License-Identifier: Apache-2.0
"""Answers on the wire held against botocore's service models, strictly.

botocore reads leniently: what it does not know it drops, what is missing it leaves out. So that
boto3 understands an answer shows little. Here an answer must have no member that the model has not,
every required one, each of its type, within its enum, pattern and bounds; the status, content type,
root element and request id that AWS gives; and an error must be one that the operation's model
declares or AWS documents for the whole service, with its HTTP status.
"""

import base64
import binascii
import collections
import datetime
import email.utils
import json
import re
import xml.etree.ElementTree
import zlib

S3_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
# The model does not name the root elements of S3's answers; the API reference does.
S3_ROOTS = {
    "ListBuckets": "ListAllMyBucketsResult", "ListObjects": "ListBucketResult",
    "ListObjectsV2": "ListBucketResult", "CopyObject": "CopyObjectResult",
    "DeleteObjects": "DeleteResult", "CreateMultipartUpload": "InitiateMultipartUploadResult",
    "UploadPartCopy": "CopyPartResult", "ListParts": "ListPartsResult",
    "CompleteMultipartUpload": "CompleteMultipartUploadResult",
    "ListMultipartUploads": "ListMultipartUploadsResult", "GetBucketCors": "CORSConfiguration",
    "GetBucketLifecycleConfiguration": "LifecycleConfiguration",
    "GetBucketLocation": "LocationConstraint",
    "GetBucketNotificationConfiguration": "NotificationConfiguration",
    "GetBucketVersioning": "VersioningConfiguration", "GetObjectTagging": "Tagging",
    "GetBucketEncryption": "ServerSideEncryptionConfiguration",
    "GetPublicAccessBlock": "PublicAccessBlockConfiguration",
    "GetBucketOwnershipControls": "OwnershipControls",
}
# "Error responses" of the S3 API reference; S3's model declares hardly any.
S3_ERRORS = {
    301: ["PermanentRedirect"],
    400: ["AuthorizationHeaderMalformed", "AuthorizationQueryParametersError", "BadDigest",
          "EntityTooLarge", "EntityTooSmall", "ExpiredToken", "IllegalLocationConstraintException",
          "IncompleteBody", "InvalidArgument", "InvalidBucketName", "InvalidDigest",
          "InvalidLocationConstraint", "InvalidPart", "InvalidPartOrder", "InvalidRequest",
          "InvalidToken", "InvalidURI", "KeyTooLongError", "MalformedPolicy", "MalformedXML",
          "MaxMessageLengthExceeded", "MetadataTooLarge", "MissingSecurityHeader",
          "RequestTimeout", "XAmzContentSHA256Mismatch"],
    403: ["AccessDenied", "InvalidAccessKeyId", "InvalidObjectState", "RequestTimeTooSkewed",
          "SignatureDoesNotMatch"],
    404: ["NoSuchBucket", "NoSuchBucketPolicy", "NoSuchCORSConfiguration", "NoSuchKey",
          "NoSuchLifecycleConfiguration", "NoSuchTagSet", "NoSuchUpload",
          "NoSuchPublicAccessBlockConfiguration", "OwnershipControlsNotFoundError",
          "ServerSideEncryptionConfigurationNotFoundError"],
    405: ["MethodNotAllowed"],
    409: ["BucketAlreadyExists", "BucketAlreadyOwnedByYou", "BucketNotEmpty",
          "ConditionalRequestConflict", "OperationAborted"],
    411: ["MissingContentLength"],
    412: ["PreconditionFailed"],
    416: ["InvalidRange"],
    500: ["InternalError"],
    501: ["NotImplemented"],
    503: ["ServiceUnavailable", "SlowDown"],
}
# "Common Errors" of the JSON services, as they arrive.
JSON_ERRORS = {
    400: ["AccessDeniedException", "ExpiredTokenException", "IncompleteSignatureException",
          "InvalidParameterValueException",
          "InvalidSignatureException", "MissingAuthenticationTokenException",
          "SerializationException", "ThrottlingException", "UnknownOperationException",
          "UnrecognizedClientException", "ValidationException"],
    413: ["RequestEntityTooLargeException"],
    500: ["InternalFailure", "InternalServerError"],
    503: ["ServiceUnavailable", "ServiceUnavailableException"],
}
REST_JSON_ERRORS = {
    403: ["AccessDeniedException", "ExpiredTokenException", "IncompleteSignatureException",
          "InvalidSignatureException", "MissingAuthenticationTokenException",
          "UnrecognizedClientException"],
    404: ["UnknownOperationException"],
    413: ["RequestEntityTooLargeException"],
    429: ["ThrottlingException"],
    503: ["ServiceUnavailableException"],
}
QUERY_ERRORS = {
    # the first two: SQS's, which the older models leave out
    400: ["AWS.SimpleQueueService.NonExistentQueue", "InvalidAttributeValue", "InvalidAction", "InvalidParameterCombination", "InvalidParameterValue",
          "InvalidQueryParameter", "MissingParameter", "Throttling", "ValidationError"],
    403: ["AccessDenied", "ExpiredToken", "IncompleteSignature", "InvalidClientTokenId",
          "MissingAuthenticationToken", "OptInRequired", "RequestExpired",
          "SignatureDoesNotMatch"],
    404: ["MalformedQueryString"],
    413: ["RequestEntityTooLarge"],
    500: ["InternalError", "InternalFailure"],
    503: ["ServiceUnavailable"],
}
ERRORS = {"json": JSON_ERRORS, "rest-json": REST_JSON_ERRORS, "query": QUERY_ERRORS,
          "rest-xml": S3_ERRORS}
CONTENT_TYPES = {"rest-json": "application/json", "query": "text/xml",
                 "rest-xml": "application/xml"}

# Shapes that requests share with answers, so that a bound of the request stands in the answer's
# way: AWS documents these answers. ("If there are no unprocessed items remaining, the response contains
# an empty UnprocessedItems map"; DescribeTable's example; list-targets-by-rule of a rule without.)
SMALLER_THAN_MODELLED = {
    "BatchWriteItemRequestMap", "BatchGetRequestMap", "PositiveLongObject", "TargetList",
}


def protocol_of(model):
    return getattr(model, "resolved_protocol", None) or model.metadata["protocol"]


class _Answer:
    """One answer under examination; `problems` collects what is wrong with it."""

    def __init__(self, operation, status, headers, body):
        self.operation = operation
        self.model = operation.service_model
        self.protocol = protocol_of(self.model)
        self.status = status
        self.headers = {name.lower(): value for name, value in dict(headers).items()}
        self.body = body  # None: a stream, which is not looked at
        self.problems = []

    def complain(self, path, what):
        self.problems.append(f"{path or 'answer'}: {what}")

    # --- values ------------------------------------------------------------------------------

    def scalar(self, value, shape, path):
        """Enum, pattern and bounds of a value that has its type already."""
        limits = shape.metadata
        if shape.type_name == "string":
            if shape.enum and value not in shape.enum:
                self.complain(path, f"{value!r} is none of {shape.enum}")
            pattern = limits.get("pattern")
            # Python's re knows no \p{…}.
            if pattern and r"\p{" not in pattern and not re.search(pattern, value):
                self.complain(path, f"{value!r} does not match {pattern}")
        size = len(value) if isinstance(value, (str, list, dict, bytes)) else value
        if shape.type_name not in ("structure", "boolean", "timestamp"):
            low = "min" in limits and size < limits["min"] and \
                shape.name not in SMALLER_THAN_MODELLED
            if low or "max" in limits and size > limits["max"]:
                self.complain(path, f"{value!r} is out of {limits.get('min')}…{limits.get('max')}")

    def required(self, shape, have, path):
        for name in shape.required_members:
            if name not in have:
                self.complain(path, f"{name} is required and missing")

    def json_value(self, value, shape, path):
        kind = shape.type_name
        if getattr(shape, "is_document_type", False):
            return
        expected = {"structure": dict, "map": dict, "list": list, "string": str, "character": str,
                    "boolean": bool, "integer": int, "long": int, "float": (int, float),
                    "double": (int, float), "blob": str, "timestamp": (int, float)}[kind]
        if kind == "timestamp" and shape.serialization.get("timestampFormat") == "iso8601":
            expected = str
        if not isinstance(value, expected) or isinstance(value, bool) and kind != "boolean":
            self.complain(path, f"{value!r} is no {kind}")
            return
        if kind == "structure":
            names = {member.serialization.get("name", name): name
                     for name, member in shape.members.items()}
            for key, item in value.items():
                if key in names:
                    self.json_value(item, shape.members[names[key]], f"{path}.{key}")
                else:
                    self.complain(path, f"the model has no member {key}")
            union = getattr(shape, "is_tagged_union", False) or shape.name == "AttributeValue"
            if union and len(value) != 1:
                self.complain(path, f"a union has one member, not {sorted(value)}")
            self.required(shape, {names.get(key) for key in value}, path)
        elif kind == "list":
            for index, item in enumerate(value):
                self.json_value(item, shape.member, f"{path}[{index}]")
        elif kind == "map":
            for key, item in value.items():
                self.scalar(key, shape.key, f"{path}.{key} (key)")
                self.json_value(item, shape.value, f"{path}.{key}")
        elif kind == "blob":
            self.base64(value, path)
            return
        self.scalar(value, shape, path)

    def base64(self, value, path):
        try:
            base64.b64decode(value, validate=True)
        except binascii.Error:
            self.complain(path, "no base64")

    def text_value(self, text, shape, path, timestamp="iso8601"):
        """A scalar that is text on the wire: an element's, or a header's."""
        kind = shape.type_name
        if kind == "timestamp":
            self.timestamp(text, shape.serialization.get("timestampFormat", timestamp), path)
        elif kind == "blob":
            self.base64(text, path)
        elif kind == "boolean":
            if text not in ("true", "false"):
                self.complain(path, f"{text!r} is no boolean")
        elif kind in ("integer", "long", "float", "double"):
            pattern = r"-?\d+" if kind in ("integer", "long") else r"-?\d+(\.\d+)?([eE][-+]?\d+)?"
            if re.fullmatch(pattern, text):
                self.scalar(float(text), shape, path)
            else:
                self.complain(path, f"{text!r} is no {kind}")
        else:
            self.scalar(text, shape, path)

    def timestamp(self, text, form, path):
        try:
            if form == "rfc822":
                if not text.endswith(" GMT"):
                    raise ValueError
                email.utils.parsedate_to_datetime(text)
            elif form == "iso8601":
                if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", text):
                    raise ValueError
                datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
            else:
                float(text)
        except (TypeError, ValueError):
            self.complain(path, f"{text!r} is no time as {form}")

    # --- XML ---------------------------------------------------------------------------------

    def parse_xml(self):
        try:
            return xml.etree.ElementTree.fromstring(self.body)
        except xml.etree.ElementTree.ParseError as error:
            self.complain("", f"no XML: {error}")
            return None

    def tag(self, element, namespace, path):
        at, _, name = element.tag.rpartition("}")
        if at != ("{" + namespace if namespace else ""):
            self.complain(path, f"{name} is in namespace {at[1:]!r}, not {namespace!r}")
        return name

    def xml_value(self, element, shape, path, namespace):
        kind = shape.type_name
        if kind == "structure":
            self.xml_structure(list(element), shape, path, namespace)
        elif kind == "list":
            name = shape.member.serialization.get("name", "member")
            self.xml_list(list(element), shape, name, path, namespace)
        elif kind == "map":
            for child in element:
                if self.tag(child, namespace, path) != "entry":
                    self.complain(path, f"{child.tag} in a map")
                self.xml_entry(child, shape, path, namespace)
        else:
            if len(element):
                self.complain(path, f"elements in a {kind}")
            self.text_value(element.text or "", shape, path)
            return
        if (element.text or "").strip():
            self.complain(path, f"text {element.text!r} in a {kind}")

    def xml_entry(self, entry, shape, path, namespace):
        names = (shape.key.serialization.get("name", "key"),
                 shape.value.serialization.get("name", "value"))
        if [self.tag(child, namespace, path) for child in entry] != list(names):
            self.complain(path, f"a map's entry is not {names}")
            return
        self.xml_value(entry[0], shape.key, f"{path} (key)", namespace)
        self.xml_value(entry[1], shape.value, f"{path}.{entry[0].text}", namespace)

    def xml_list(self, elements, shape, name, path, namespace):
        for index, child in enumerate(elements):
            if self.tag(child, namespace, path) != name:
                self.complain(path, f"{child.tag} in a list of {name}")
            self.xml_value(child, shape.member, f"{path}[{index}]", namespace)
        self.scalar(elements, shape, path)

    def xml_structure(self, elements, shape, path, namespace):
        names = {}
        for name, member in shape.members.items():
            if member.serialization.get("location") or member.serialization.get("xmlAttribute"):
                continue
            wire = member.serialization.get("name", name)
            if member.type_name == "list" and member.serialization.get("flattened"):
                wire = member.member.serialization.get("name", wire)
            names[wire] = name
        found = collections.defaultdict(list)
        for child in elements:
            wire = self.tag(child, namespace, path)
            if wire in names:
                found[names[wire]].append(child)
            else:
                self.complain(path, f"the model has no member {wire}")
        for name, children in found.items():
            member = shape.members[name]
            flattened = member.serialization.get("flattened")
            if flattened and member.type_name == "list":
                self.xml_list(children, member, children[0].tag.rpartition("}")[2],
                              f"{path}.{name}", namespace)
            elif flattened and member.type_name == "map":
                for child in children:
                    self.xml_entry(child, member, f"{path}.{name}", namespace)
            else:
                if len(children) > 1:
                    self.complain(path, f"{name} is there {len(children)} times")
                self.xml_value(children[0], member, f"{path}.{name}", namespace)
        elsewhere = {name for name, member in shape.members.items()
                     if member.serialization.get("location")}
        self.required(shape, found.keys() | elsewhere, path)

    # --- whole answers -----------------------------------------------------------------------

    def content_type(self):
        expected = CONTENT_TYPES.get(self.protocol) or \
            f"application/x-amz-json-{self.model.metadata['jsonVersion']}"
        got = self.headers.get("content-type", "")
        if self.body and got.partition(";")[0] != expected:
            self.complain("content-type", f"{got!r}, not {expected}")

    def request_id(self):
        name = "x-amz-request-id" if self.protocol == "rest-xml" else "x-amzn-requestid"
        if not self.headers.get(name):
            self.complain(name, "missing")
        if self.protocol == "rest-xml" and not self.headers.get("x-amz-id-2"):
            self.complain("x-amz-id-2", "missing")

    def crc32(self):
        if self.model.service_name == "dynamodb" and \
                self.headers.get("x-amz-crc32") != str(zlib.crc32(self.body)):
            self.complain("x-amz-crc32", "not that of the body")

    def success(self):
        expected = {self.operation.http.get("responseCode", 200)}
        if "content-range" in self.headers:
            expected = {206}
        if self.operation.name == "PutBucketPolicy":
            expected = {204}  # by the API reference's example; the model says nothing
        if self.status not in expected:
            self.complain("status", f"{self.status}, not {sorted(expected)}")
        shape = self.operation.output_shape
        if self.protocol == "json":
            self.success_json(shape)
        elif self.protocol == "query":
            self.success_query(shape)
        else:
            self.success_rest(shape)

    def parse_json(self):
        try:
            return json.loads(self.body, object_pairs_hook=self.object_of)
        except ValueError as error:
            self.complain("", f"no JSON: {error}")
            return None

    def object_of(self, pairs):
        if len(dict(pairs)) != len(pairs):
            self.complain("", f"a member twice among {[name for name, _ in pairs]}")
        return dict(pairs)

    def success_json(self, shape):
        self.content_type()
        if not shape:
            if self.body not in (b"", b"{}"):
                self.complain("", f"the operation answers nothing, not {self.body[:100]!r}")
            return
        value = self.parse_json()
        if value is not None:
            self.json_value(value, shape, "")

    def success_query(self, shape):
        self.content_type()
        root = self.parse_xml()
        if root is None:
            return
        namespace = self.model.metadata["xmlNamespace"]
        if self.tag(root, namespace, "") != f"{self.operation.name}Response":
            self.complain("", f"the root is {root.tag}")
        children = {self.tag(child, namespace, ""): child for child in root}
        wrapper = shape.serialization.get("resultWrapper") if shape else None
        if set(children) != {"ResponseMetadata"} | ({wrapper} if wrapper else set()):
            self.complain("", f"{sorted(children)} in the root")
        metadata = children.get("ResponseMetadata")
        if metadata is None or [each.tag for each in metadata] != [f"{{{namespace}}}RequestId"]:
            self.complain("ResponseMetadata", "not a RequestId")
        if wrapper in children:
            self.xml_value(children[wrapper], shape, "", namespace)

    def success_rest(self, shape):
        members = shape.members if shape else {}
        self.header_members(members)
        payload = shape.serialization.get("payload") if shape else None
        if payload:
            shape = members[payload]
            if shape.type_name in ("blob", "string"):
                return
        elif not any(not member.serialization.get("location") for member in members.values()):
            if self.body and not (self.protocol == "rest-json" and self.body == b"{}"):
                self.complain("", f"the operation answers no body, not {self.body[:100]!r}")
            return
        self.content_type()
        if self.protocol == "rest-json":
            value = self.parse_json()
            if value is not None:
                self.json_value(value, shape, "")
            return
        root = self.parse_xml()
        if root is None:
            return
        name = self.tag(root, S3_NAMESPACE, "")
        if name != S3_ROOTS.get(self.operation.name):
            self.complain("", f"the root is {name}, not {S3_ROOTS.get(self.operation.name)}")
        if name == "LocationConstraint":
            if len(root):
                self.complain("", "elements in LocationConstraint")
            if root.text:
                self.text_value(root.text, shape.members[name], name)
        else:
            self.xml_value(root, shape, "", S3_NAMESPACE)

    def header_members(self, members):
        known = {"x-amz-request-id", "x-amz-id-2", "x-amz-bucket-region"}
        prefixes = ()
        for name, member in members.items():
            place = member.serialization.get("location")
            wire = member.serialization.get("name", name).lower()
            if place == "header":
                known.add(wire)
                if wire in self.headers:
                    self.text_value(self.headers[wire], member, name, "rfc822")
                elif name in self.operation.output_shape.required_members:
                    self.complain(name, "is required and missing")
            elif place == "headers":
                prefixes += (wire,)
        for name in self.headers:
            if self.protocol == "rest-xml" and name.startswith("x-amz-") and \
                    name not in known and not name.startswith(prefixes or ("\0",)):
                self.complain(name, "the model has no such header")

    # --- errors ------------------------------------------------------------------------------

    def error_status(self, code):
        """Whether AWS documents the code for this operation, and with this status."""
        for shape in self.operation.error_shapes:
            error = shape.metadata.get("error") or {}
            if code in (shape.name, error.get("code")):
                status = error.get("httpStatusCode") or \
                    (500 if shape.metadata.get("fault") or code.startswith("Internal") else 400)
                if self.protocol == "json" and status < 500:
                    status = 400  # whatever the model says: a ConflictException was recorded so
                if self.protocol != "rest-xml" and status != self.status:
                    self.complain("status", f"{self.status} with {code}, not {status}")
                if self.protocol != "rest-xml":
                    return shape
        common = ERRORS[self.protocol]
        statuses = [status for status, codes in common.items() if code in codes]
        if not statuses:
            self.complain("error", f"{code} is not documented for {self.operation.name}")
        elif self.status not in statuses:
            self.complain("status", f"{self.status} with {code}, not {statuses}")
        return None

    def error(self):
        if self.status == 304 or not self.body and self.operation.http["method"] == "HEAD":
            if self.body:
                self.complain("", f"a body with {self.status}")
            return
        self.content_type()
        if self.protocol in ("json", "rest-json"):
            self.error_json()
        else:
            self.error_xml()

    def error_json(self):
        value = self.parse_json()
        if not isinstance(value, dict):
            self.complain("", "no object")
            return
        code = self.headers.get("x-amzn-errortype", "").partition(":")[0] \
            if self.protocol == "rest-json" else value.get("__type", "")
        if not code:
            self.complain("", "the error has no code")
            return
        shape = self.error_status(code.rpartition("#")[2])
        messages = [key for key in value if key.lower() == "message"]
        if not messages or not isinstance(value[messages[0]], str) or not value[messages[0]]:
            self.complain("", "the error has no message")
        details = {key: item for key, item in value.items()
                   if key not in ("__type", "Code", "Logref") and key.lower() != "message"}
        if shape and details:
            self.json_value(details, shape, "")
        elif details:
            self.complain("", f"an error has no members {sorted(details)}")
        if shape and "awsQueryCompatible" in self.model.metadata and \
                not re.fullmatch(r"[\w.]+;(Sender|Receiver)",
                                 self.headers.get("x-amzn-query-error", "")):
            self.complain("x-amzn-query-error", "missing, or not CODE;FAULT")

    def error_xml(self):
        root = self.parse_xml()
        if root is None:
            return
        error = root
        if self.protocol == "query":
            namespace = self.model.metadata["xmlNamespace"]
            if self.tag(root, namespace, "") != "ErrorResponse":
                self.complain("", f"the root is {root.tag}")
            names = [child.tag.rpartition("}")[2] for child in root]
            if names != ["Error", "RequestId"]:
                self.complain("", f"{names} in ErrorResponse")
                return
            error = root[0]
        elif root.tag != "Error":
            self.complain("", f"the root is {root.tag}")
        fields = {child.tag.rpartition("}")[2]: child.text or "" for child in error}
        for name in ("Code", "Message") + (("Type",) if self.protocol == "query" else
                                           ("RequestId", "HostId")):
            if not fields.get(name):
                self.complain("", f"the error has no {name}")
        if self.protocol == "query" and \
                fields.get("Type") != ("Receiver" if self.status >= 500 else "Sender"):
            self.complain("Type", f"{fields.get('Type')!r} with {self.status}")
        self.error_status(fields.get("Code", ""))


def problems_of(operation, status, headers, body):
    """What is wrong with an answer to an operation (botocore's model of it); body None: unseen."""
    answer = _Answer(operation, status, headers, body)
    answer.request_id()
    if body is not None and status != 304 and operation.http["method"] != "HEAD":
        answer.crc32()
    if status >= 300:
        answer.error()
    else:
        answer.success()
    return answer.problems


class Watch:
    """Holds every answer that its clients get against the models. A wrong one is an AssertionError
    of the call that got it, so that no test need ask; `checked` counts "service Operation status".
    """

    def __init__(self):
        self.checked = collections.Counter()

    def client(self, client):
        """Watches a client; returns it."""
        model = client.meta.service_model

        def received(response_dict, event_name, **_):
            if response_dict is None:  # there was no answer
                return
            operation = model.operation_model(event_name.rpartition(".")[2])
            status = response_dict["status_code"]
            body = response_dict["body"]
            if operation.has_streaming_output and status < 300:
                body = None
            found = problems_of(operation, status, response_dict["headers"], body)
            self.checked[f"{model.service_name} {operation.name} {status}"] += 1
            assert not found, f"{model.service_name} {operation.name}, {status}: " \
                f"{'; '.join(found)}\n{dict(response_dict['headers'])}\n{(body or b'')[:3000]}"

        client.meta.events.register("response-received", received)
        return client
