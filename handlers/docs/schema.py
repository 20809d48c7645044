# SPDX-License-Identifier: Apache-2.0
"""JSON schemas as HTML: the type in a few words, objects as tables, limits as notes."""

import json

from markup import escape, inline, paragraphs


def link(reference):
    name = reference.rsplit("/", 1)[1]
    return f'<a href="#schema-{escape(name)}">{escape(name)}</a>'


def limits(schema):
    """What a value must keep to, in words."""
    out = []
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        out.append(f"{low} to {high}")
    elif low is not None:
        out.append(f"at least {low}")
    elif high is not None:
        out.append(f"at most {high}")
    if "exclusiveMinimum" in schema:
        out.append(f"above {schema['exclusiveMinimum']}")
    for least, most, unit in (("minLength", "maxLength", "characters"),
                              ("minItems", "maxItems", "items")):
        low, high = schema.get(least), schema.get(most)
        if low is not None and high is not None:
            out.append(f"{low} to {high} {unit}")
        elif low is not None and low > 1:
            out.append(f"at least {low} {unit}")
        elif high is not None:
            out.append(f"at most {high} {unit}")
    if schema.get("uniqueItems"):
        out.append("each once")
    return out


class Schemas:
    def __init__(self, document):
        self.all = document["components"]["schemas"]

    def type_of(self, schema):
        """In a few words, with links."""
        if schema is True or schema == {}:
            return "anything"
        if "$ref" in schema:
            return link(schema["$ref"])
        for word in ("oneOf", "anyOf"):
            if word in schema:
                return " or ".join(self.alternative(one) for one in schema[word])
        if "const" in schema:
            return f"<code>{escape(json.dumps(schema['const']))}</code>"
        kind = schema.get("type", "anything")
        if kind == "array":
            inner = self.type_of(schema["items"]) if "items" in schema else "nothing" \
                if schema.get("maxItems") == 0 else "anything"
            return f"array of {inner}"
        return escape(kind if isinstance(kind, str) else " or ".join(kind))

    def alternative(self, schema):
        """One of several types: its format tells it from the others."""
        kind = self.type_of(schema)
        return f"{kind} ({escape(schema['format'])})" if "format" in schema else kind

    def note_of(self, schema):
        """Limits, choices, pattern and default, as a line below the type."""
        if not isinstance(schema, dict):
            return ""
        out = [escape(text) for text in limits(schema)]
        inner = schema.get("items", {}) if schema.get("type") == "array" else schema
        if isinstance(inner, dict):
            if "enum" in inner:
                out.append("one of " + ", ".join(f"<code>{escape(v)}</code>"
                                                 for v in inner["enum"]))
            if "pattern" in inner:
                out.append(f"matches <code>{escape(inner['pattern'])}</code>")
            if "format" in inner:
                out.append(escape(inner["format"]))
            if inner is not schema:
                out += ["each " + escape(text) for text in limits(inner)]
        if "default" in schema:
            out.append(f"default <code>{escape(json.dumps(schema['default']))}</code>")
        return f'<p class="note">{"; ".join(out)}</p>' if out else ""

    def properties(self, schema):
        """The table of an object's members; members that are objects have tables in theirs."""
        rows = []
        required = schema.get("required", [])
        for name, one in schema.get("properties", {}).items():
            if one is False:
                continue
            must = '<span class="must">required</span>' if name in required else ""
            rows.append(f'<tr><th scope="row"><code>{escape(name)}</code>{must}</th>'
                        f'<td><div class="type">{self.type_of(one)}</div>'
                        f'{paragraphs(one.get("description"))}{self.note_of(one)}'
                        f"{self.inner(one)}</td></tr>")
        extra = schema.get("additionalProperties")
        if isinstance(extra, dict):
            rows.append(f'<tr><th scope="row"><i>any name</i></th><td><div class="type">'
                        f"{self.type_of(extra)}</div></td></tr>")
        return f"<table>{''.join(rows)}</table>" if rows else ""

    def inner(self, schema):
        """The members of an object that is described where it is used."""
        if not isinstance(schema, dict) or "$ref" in schema:
            return ""
        if schema.get("type") == "array" and isinstance(schema.get("items"), dict):
            return self.inner(schema["items"])
        return self.properties(schema)

    def rules(self, schema):
        told = [one["description"] for one in schema.get("allOf", [])
                if isinstance(one, dict) and "description" in one]
        return "<ul>" + "".join(f"<li>{inline(text)}</li>" for text in told) + "</ul>" \
            if told else ""

    def section(self):
        out = ['<section id="schemas"><h2>Schemas</h2>\n']
        for name, schema in self.all.items():
            out.append(f'<article class="schema" id="schema-{escape(name)}">'
                       f'<h3><a class="anchor" href="#schema-{escape(name)}">{escape(name)}</a>'
                       f'</h3><div class="type">{self.type_of(schema)}</div>'
                       f'{paragraphs(schema.get("description"))}{self.note_of(schema)}'
                       f"{self.rules(schema)}{self.inner(schema)}</article>\n")
        return "".join(out) + "</section>\n"
