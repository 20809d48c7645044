# SPDX-License-Identifier: Apache-2.0
"""openapi.yaml as the judge of every reply that a test receives."""

import json
import re
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator

ROOT = Path(__file__).resolve().parents[2]
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


class Contract:
    def __init__(self, path=ROOT / "openapi.yaml"):
        self.document = yaml.safe_load(path.read_text())
        self.operations = []  # (METHOD, template, operation)
        for template, item in self.document["paths"].items():
            for method in METHODS:
                if method in item:
                    self.operations.append((method.upper(), template, item[method]))
        self.validators = {}

    def resolve(self, node):
        while "$ref" in node and len(node) == 1:
            target = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node

    def validator(self, schema):
        key = json.dumps(schema, sort_keys=True)
        if key not in self.validators:
            whole = {**schema, "components": self.document["components"]}
            self.validators[key] = Draft202012Validator(whole)
        return self.validators[key]

    def errors(self, schema, instance):
        return [f"{error.json_path}: {error.message}"
                for error in self.validator(schema).iter_errors(instance)]

    def schema_errors(self, name, instance):
        return self.errors({"$ref": f"#/components/schemas/{name}"}, instance)

    def operation(self, method, path):
        """The operation of a request; HEAD is GET. None when no template matches."""
        method = "GET" if method == "HEAD" else method
        for candidate, template, operation in self.operations:
            pattern = re.sub(r"\{[^}]+\}", "[^/]+", template)
            if candidate == method and re.fullmatch(pattern, path):
                return operation
        return None

    def check(self, method, target, status, headers, body):
        """Everything that is wrong with a reply, as sentences."""
        operation = self.operation(method, target.split("?")[0])
        responses = operation["responses"] if operation else {}
        if str(status) in responses:
            response = self.resolve(responses[str(status)])
        elif status in (400, 404, 405, 414) and (operation is None or status in (400, 414)):
            response = self.resolve({"$ref": "#/components/responses/BadRequest"})
        else:
            return [f"{method} {target} may not be answered {status}: {body[:500]!r}"]
        problems = []
        for name, header in response.get("headers", {}).items():
            header = self.resolve(header)
            value = headers.get(name)
            if value is None:
                if header.get("required"):
                    problems.append(f"the header {name} is missing")
            else:
                problems += [f"header {name} {error}"
                             for error in self.errors(header["schema"], value)]
        if method == "HEAD":
            return problems + ([f"HEAD has a body: {body[:100]!r}"] if body else [])
        kind = headers.get("Content-Type", "").split(";")[0].strip()
        media = response.get("content", {})
        if not media:
            return problems + ([f"{status} has a body: {body[:100]!r}"] if body else [])
        if kind not in media:
            return problems + [f"Content-Type {kind!r} is not one of {sorted(media)}"]
        if "json" not in kind:
            return problems + self.errors(media[kind]["schema"], body.decode())
        try:
            instance = json.loads(body, object_pairs_hook=no_duplicates)
        except ValueError as error:
            return problems + [f"the body is not JSON ({error}): {body[:500]!r}"]
        problems += self.errors(media[kind]["schema"], instance)
        if kind == "application/problem+json" and instance.get("status") != status:
            problems.append(f"problem.status {instance.get('status')} but HTTP status {status}")
        return problems


def no_duplicates(pairs):
    names = [name for name, _ in pairs]
    if len(names) != len(set(names)):
        raise ValueError(f"duplicate names in {names}")
    return dict(pairs)
