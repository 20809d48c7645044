# SPDX-License-Identifier: Apache-2.0
"""openapi.yaml: is it valid, and does it say what the program does?"""

import json
import re
from pathlib import Path

import jsonschema
import pytest
from jsonschema import Draft202012Validator

from contract import METHODS, ROOT

META_SCHEMA = Path(__file__).parent / "openapi-3.1-schema.json"


def refs(node, where="#"):
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield where, node["$ref"]
        for name, value in node.items():
            yield from refs(value, f"{where}/{name}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from refs(value, f"{where}/{index}")


def catalogue():
    """The rows of SL_ERR_CATALOGUE: code -> HTTP status."""
    text = (ROOT / "service/base/err.h").read_text()
    return {code: int(status)
            for code, status in re.findall(r'X\(\w+,\s*"(\w+)",\s*(\d+)', text)}


def test_the_document_is_openapi_3_1(contract):
    schema = json.loads(META_SCHEMA.read_text())
    # The published schema of OpenAPI 3.1 (without dialects); every schema below is checked apart.
    errors = [f"{error.json_path}: {error.message}"
              for error in Draft202012Validator(schema).iter_errors(contract.document)]
    assert not errors


def test_every_reference_leads_somewhere(contract):
    for where, target in refs(contract.document):
        node = contract.document
        for part in target.removeprefix("#/").split("/"):
            assert part in node, f"{where}: {target}"
            node = node[part]


def test_every_schema_is_a_json_schema(contract):
    for name, schema in contract.document["components"]["schemas"].items():
        try:
            Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as error:
            pytest.fail(f"{name}: {error.message}")


def test_every_object_schema_is_closed(contract):
    """A reply with a member that is not documented must not pass."""
    def walk(node, where):
        if isinstance(node, dict):
            if node.get("type") == "object" and "properties" in node:
                assert node.get("additionalProperties") is False, where
            for name, value in node.items():
                if name not in ("examples", "example"):
                    walk(value, f"{where}/{name}")
        elif isinstance(node, list):
            for index, value in enumerate(node):
                walk(value, f"{where}/{index}")
    walk(contract.document["components"]["schemas"], "schemas")


def test_every_example_fits_its_schema(contract):
    def bodies():
        for method, template, operation in contract.operations:
            where = f"{method} {template}"
            yield f"{where} request", operation.get("requestBody", {})
            for status, response in operation["responses"].items():
                yield f"{where} {status}", response
        for name, item in contract.document["webhooks"].items():
            yield f"webhook {name}", item["post"]["requestBody"]
    seen = 0
    for where, body in bodies():
        body = contract.resolve(body)
        for kind, media in body.get("content", {}).items():
            assert media.get("examples"), f"{where} {kind} has no example"
            for name, example in media["examples"].items():
                value = contract.resolve(example)["value"]
                assert contract.errors(media["schema"], value) == [], f"{where} {kind} {name}"
                seen += 1
    assert seen >= 10


def examples_of(contract, node):
    """The examples of a parameter, header or media type, by name."""
    found = {name: contract.resolve(one)["value"] for name, one in node.get("examples", {}).items()}
    return {**found, "example": node["example"]} if "example" in node else found


def test_every_parameter_and_header_has_an_example_that_fits(contract):
    def places():
        for template, item in contract.document["paths"].items():
            for one in item.get("parameters", []):
                yield f"{template} ?{one.get('name', one)}", one
        for method, template, operation in contract.operations:
            for one in operation.get("parameters", []):
                yield f"{method} {template} ?{one.get('name', one)}", one
            for status, response in operation["responses"].items():
                for name, header in contract.resolve(response).get("headers", {}).items():
                    yield f"{method} {template} {status} {name}", header
        for name, item in contract.document["webhooks"].items():
            for one in item["post"].get("parameters", []):
                yield f"webhook {name} {one['name']}", one
    problems = []
    for where, node in places():
        node = contract.resolve(node)
        examples = examples_of(contract, node)
        problems += [] if examples else [f"{where} has no example"]
        problems += [f"{where} {name}: {error}" for name, value in examples.items()
                     for error in contract.errors(node["schema"], value)]
    assert not problems, "\n".join(problems)


def problem_examples(contract):
    """(operationId, status, problem) of every example of an error reply."""
    for _, _, operation in contract.operations:
        for status, response in operation["responses"].items():
            content = contract.resolve(response).get("content", {})
            for value in examples_of(contract, content.get("application/problem+json", {})).values():
                yield operation["operationId"], int(status), value


def test_every_error_of_every_operation_has_an_example_of_its_own_status(contract):
    told = {(operation, status) for operation, status, _ in problem_examples(contract)}
    missing = {(operation["operationId"], int(status))
               for _, _, operation in contract.operations
               for status in operation["responses"] if status[0] in "45"} - told
    assert not missing, "take one of #/components/responses, by status, or write one"
    assert [(operation, status, value["code"])
            for operation, status, value in problem_examples(contract)
            if value["status"] != status] == []


def test_the_examples_of_errors_are_those_of_the_catalogue(contract):
    text = (ROOT / "service/base/err.h").read_text()
    rows = {code: (int(status), title) for code, status, title in re.findall(
        r'X\(\w+,\s*"(\w+)",\s*(\d+),\s*\w+,[\s\\]*"([^"]+)"\)', text)}
    assert set(rows) == set(catalogue())
    schemas = contract.document["components"]["schemas"]
    shown = [value for *_, value in problem_examples(contract)]
    shown += schemas["Problem"]["examples"]  # those of no operation: 404, 405
    for value in shown:
        assert contract.schema_errors("Problem", value) == []
        assert rows[value["code"]] == (value["status"], value["title"]), value["code"]
        assert value["type"] == "urn:spotlist:problem:" + value["code"]
    assert set(schemas["ProblemCode"]["enum"]) == {value["code"] for value in shown}


def test_operation_ids_are_unique_and_described(contract):
    ids = [operation["operationId"] for _, _, operation in contract.operations]
    assert len(ids) == len(set(ids))
    assert all(operation.get("summary") for _, _, operation in contract.operations)


def test_path_parameters_are_declared(contract):
    for template, item in contract.document["paths"].items():
        shared = [contract.resolve(one) for one in item.get("parameters", [])]
        for method in METHODS:
            if method not in item:
                continue
            own = [contract.resolve(one) for one in item[method].get("parameters", [])]
            declared = {one["name"] for one in shared + own if one["in"] == "path"}
            assert declared == set(re.findall(r"\{([^}]+)\}", template)), template


def test_problem_codes_are_those_of_the_catalogue(contract):
    codes = catalogue()
    schemas = contract.document["components"]["schemas"]
    problem, failure = schemas["ProblemCode"]["enum"], schemas["FailureCode"]["enum"]
    assert set(problem) <= set(codes)
    assert set(failure) <= set(codes)
    # Each status that a problem code has is documented for some operation, 405 and 414 apart.
    documented = {int(status) for _, _, operation in contract.operations
                  for status in operation["responses"]}
    assert {codes[code] for code in problem} - {405, 414} <= documented
    # What can befall a video but not a request, the other way round, and nothing forgotten.
    never_shown = {"ok", "config", "lease_lost", "quota_wait"}
    assert set(codes) - set(problem) - set(failure) == never_shown


def test_the_route_table_and_the_document_agree(svc, contract):
    routes = {tuple(line.split()) for line in svc.command("routes").stdout.splitlines()}
    documented = {(method, template, operation["operationId"])
                  for method, template, operation in contract.operations}
    assert routes == documented


def test_unknown_paths_and_methods_are_refused(svc):
    reply = svc.get("/nothing/here")
    assert (reply.status, reply.json["code"]) == (404, "not_found")
    reply = svc.request("DELETE", "/sns")
    assert (reply.status, reply.json["code"]) == (405, "method_not_allowed")
    assert allowed(reply) == {"POST", "OPTIONS"}
    reply = svc.request("PATCH", "/videos")
    assert reply.status == 405
    assert allowed(reply) == {"GET", "HEAD", "POST", "OPTIONS"}


def allowed(reply):
    return set(re.split(r", *", reply.headers["Allow"]))


def test_head_is_get_without_the_body(svc):
    get, head = svc.get("/videos"), svc.request("HEAD", "/videos")
    assert head.status == get.status == 200
    assert head.body == b""
    assert head.headers["Content-Length"] == get.headers["Content-Length"]


def test_health_and_readiness_are_on_the_admin_address(svc):
    assert svc.admin_get("/healthz").json == {"status": "ok"}
    assert svc.admin_get("/readyz").json == {"status": "ok"}
    assert svc.get("/healthz", validate=False).status == 404


def test_a_sane_request_id_is_kept_and_any_other_replaced(svc):
    kept = svc.get("/videos", headers={"X-Request-Id": "abc-123"})
    assert kept.headers["X-Request-Id"] == "abc-123"
    for odd in ("a b", "x" * 500, 'q"uote', "tab\there"):
        assert svc.get("/videos", headers={"X-Request-Id": odd}).headers["X-Request-Id"] != odd


def test_the_diagrams_know_exactly_the_documented_states(svc, contract):
    diagrams = svc.command("fsm", "--mermaid").stdout.split("stateDiagram-v2")[1:]
    schemas = contract.document["components"]["schemas"]
    assert len(diagrams) == 2
    for diagram, name in zip(diagrams, ("VideoState", "AnalysisState")):
        edges = re.findall(r"^ +(\w+) --> (\w+): ", diagram, re.MULTILINE)
        assert {state for edge in edges for state in edge} == set(schemas[name]["enum"])
