# SPDX-License-Identifier: Apache-2.0
"""openapi.yaml as one HTML page that needs nothing else: no host but ours, no JavaScript but a
filter of a few lines (page.js), which may be missing too. make() is what the build calls."""

import base64
import hashlib
import json
import shlex
from pathlib import Path

from markup import escape, example_body, inline, paragraphs
from schema import Schemas

HERE = Path(__file__).parent
METHODS = ("get", "put", "post", "delete", "patch")
ICON = ("data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
        "%3Crect width='16' height='16' rx='3' fill='%230b6e75'/%3E"
        "%3Cpath d='M3 5h10M3 8h6M3 11h8' stroke='white' stroke-width='2'/%3E%3C/svg%3E")


def digest(text):
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


class Page:
    def __init__(self, document):
        self.document = document
        self.schemas = Schemas(document)
        self.operations = []  # (method, template, item, operation)
        for template, item in document["paths"].items():
            for method in METHODS:
                if method in item:
                    self.operations.append((method, template, item, item[method]))

    def resolve(self, node):
        while isinstance(node, dict) and "$ref" in node:
            target = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node

    # --- parts of an operation -------------------------------------------------------------------

    def parameters(self, item, operation):
        found = [self.resolve(one)
                 for one in item.get("parameters", []) + operation.get("parameters", [])]
        if not found:
            return ""
        rows = []
        for one in found:
            examples = [self.resolve(example)["value"]
                        for example in one.get("examples", {}).values()]
            examples += [one["example"]] if "example" in one else []
            shown = ", ".join(f"<code>{escape(shown_value(value))}</code>" for value in examples)
            required = '<span class="must">required</span>' if one.get("required") else ""
            rows.append(
                f'<tr><th scope="row"><code>{escape(one["name"])}</code>'
                f'<span class="where">{escape(one["in"])}</span>{required}</th>'
                f'<td><div class="type">{self.schemas.type_of(one["schema"])}</div>'
                f'{paragraphs(one.get("description"))}'
                f'{self.schemas.note_of(one["schema"])}'
                f'{f"<p class=eg>e.g. {shown}</p>" if shown else ""}</td></tr>')
        return ("<h4>Parameters</h4>\n<table>\n" + "\n".join(rows) + "\n</table>\n")

    def content(self, content, shown):
        """Media types with their schema and examples; the first example is open where `shown`."""
        out = []
        for kind, media in content.items():
            out.append(f'<p class="media"><code>{escape(kind)}</code> '
                       f'{self.schemas.type_of(media.get("schema", {}))}</p>')
            for name, example in media.get("examples", {}).items():
                example = self.resolve(example)
                title = example.get("summary") or name.replace("_", " ")
                opened = " open" if shown else ""
                shown = False
                out.append(f"<details{opened}><summary>{inline(title)}</summary>"
                           f"<pre>{example_body(kind, example['value'])}</pre></details>")
        return "\n".join(out)

    def headers(self, response):
        rows = []
        for name, header in response.get("headers", {}).items():
            header = self.resolve(header)
            if name != "X-Request-Id":  # every reply has it: said once
                rows.append(f"<li><code>{escape(name)}</code> "
                            f"{inline(header.get('description', ''))}</li>")
        return f'<ul class="headers">{"".join(rows)}</ul>' if rows else ""

    def responses(self, operation):
        good, bad = [], []
        for status, response in operation["responses"].items():
            response = self.resolve(response)
            status = str(status)
            text = (f'<p><span class="status s{status[0]}">{escape(status)}</span> '
                    f'{inline(response.get("description", ""))}</p>{self.headers(response)}')
            if status[0] in "23":
                good.append(text + self.content(response.get("content", {}), status[0] == "2"))
                continue
            bad.append(f"<details><summary>{text_of_error(status, response)} "
                       f"{self.codes(response)}</summary>{self.headers(response)}"
                       f"{self.content(response.get('content', {}), False)}</details>")
        errors = '<h4>Errors</h4>\n<div class="errors">' + "\n".join(bad) + "</div>" if bad else ""
        return "<h4>Replies</h4>\n" + "\n".join(good) + errors

    def codes(self, response):
        """The problem codes that a reply's examples show."""
        found = []
        for media in response.get("content", {}).values():
            for example in media.get("examples", {}).values():
                value = self.resolve(example)["value"]
                if isinstance(value, dict) and "code" in value and value["code"] not in found:
                    found.append(value["code"])
        return " ".join(f"<code>{escape(code)}</code>" for code in found)

    def access(self, operation):
        wanted = operation.get("security", self.document.get("security"))
        if wanted is None:
            return ""
        if not wanted or {} in wanted:
            return '<p class="access">No token needed.</p>'
        scopes = sorted({scope for one in wanted for scopes in one.values() for scope in scopes})
        text = "A token with the scope " + " or ".join(f"<code>{escape(s)}</code>"
                                                       for s in scopes) if scopes else "A token"
        return f'<p class="access">{text}.</p>'

    def curl(self, method, template, item, operation):
        """A command to try it with, where that can be told from the examples."""
        server = item.get("servers", self.document["servers"])[0]["url"].rstrip("/")
        target = template
        for one in map(self.resolve,
                       item.get("parameters", []) + operation.get("parameters", [])):
            if one["in"] == "path":
                target = target.replace("{" + one["name"] + "}", shown_value(self.an_example(one)))
            elif one["in"] == "query" and one.get("required"):
                target += ("&" if "?" in target else "?") + \
                    f"{one['name']}={shown_value(self.an_example(one))}"
        words = ["curl"] + ([] if method == "get" else ["-X", method.upper()]) + [server + target]
        secured = operation.get("security", self.document.get("security"))
        if secured and {} not in secured:
            words += ["-H", "Authorization: Bearer $SPOTLIST_TOKEN"]
        body = self.resolve(operation.get("requestBody", {})).get("content", {})
        if "application/json" in body and body["application/json"].get("examples"):
            first = self.resolve(next(iter(body["application/json"]["examples"].values())))
            words += ["-H", "Content-Type: application/json", "-d",
                      json.dumps(first["value"], ensure_ascii=False)]
        text = " ".join(f'"{word}"' if "$" in word else shlex.quote(word) for word in words)
        return f'<pre class="curl">{escape(text)}</pre>'

    def an_example(self, parameter):
        if "example" in parameter:
            return parameter["example"]
        for example in parameter.get("examples", {}).values():
            return self.resolve(example)["value"]
        return "{" + parameter["name"] + "}"

    # --- the page --------------------------------------------------------------------------------

    def operation(self, method, template, item, operation):
        body = self.resolve(operation.get("requestBody", {}))
        request = f"<h4>Body</h4>\n{self.content(body['content'], True)}" if body else ""
        name = operation["operationId"]
        return (f'<article id="{escape(name)}">\n'
                f'<h3><a class="anchor" href="#{escape(name)}">{inline(operation["summary"])}</a>'
                "</h3>\n"
                f'<p class="line"><span class="method {method}">{method.upper()}</span> '
                f'<code class="path">{breakable(template)}</code> '
                f'<code class="id">{escape(name)}</code></p>\n'
                f'{paragraphs(operation.get("description"))}\n{self.access(operation)}\n'
                f'{self.curl(method, template, item, operation)}\n'
                f"{self.parameters(item, operation)}{request}\n{self.responses(operation)}\n"
                "</article>\n")

    def webhook(self, name, operation):
        body = self.resolve(operation.get("requestBody", {}))
        return (f'<article id="webhook-{escape(name)}">\n'
                f'<h3><a class="anchor" href="#webhook-{escape(name)}">'
                f'{inline(operation["summary"])}</a></h3>\n'
                f'<p class="line"><span class="method post">POST</span> '
                f'<code class="path">callback.url</code> '
                f'<code class="id">{escape(operation.get("operationId", name))}</code></p>\n'
                f'{paragraphs(operation.get("description"))}\n'
                f'{self.parameters({}, operation)}<h4>Body</h4>\n'
                f'{self.content(body.get("content", {}), False)}\n</article>\n')

    def problems(self):
        """The table of problem codes, with a title and a status where an example tells them."""
        told = {}
        for example in self.document["components"].get("examples", {}).values():
            value = example.get("value")
            if isinstance(value, dict) and "code" in value and "title" in value:
                told.setdefault(value["code"], value)
        rows = []
        for code in self.document["components"]["schemas"]["ProblemCode"]["enum"]:
            value = told.get(code, {})
            rows.append(f'<tr id="problem-{escape(code)}"><th scope="row"><code>{escape(code)}'
                        f'</code></th><td>{escape(value.get("status", ""))}</td>'
                        f'<td>{escape(value.get("title", ""))}</td></tr>')
        return ('<section id="problems"><h2>Problem codes</h2>\n'
                "<table class=\"flat\"><tr><th>code</th><th>status</th><th>title</th></tr>\n" +
                "\n".join(rows) + "\n</table></section>\n")

    def body(self):
        out = []
        for tag in self.document["tags"]:
            mine = [one for one in self.operations if tag["name"] in one[3]["tags"]]
            hooks = [(name, item["post"])
                     for name, item in self.document.get("webhooks", {}).items()
                     if tag["name"] in item["post"]["tags"]]
            if not mine and not hooks:
                continue
            out.append(f'<section id="tag-{escape(tag["name"])}"><h2>{escape(tag["name"])}</h2>\n'
                       f'{paragraphs(tag.get("description"))}\n')
            out += [self.operation(*one) for one in mine]
            out += [self.webhook(*one) for one in hooks]
            out.append("</section>\n")
        out.append(self.problems())
        out.append(self.schemas.section())
        return "".join(out)

    def navigation(self):
        out = []
        for tag in self.document["tags"]:
            links = [f'<li><a href="#{escape(operation["operationId"])}">'
                     f'<span class="method {method}">{method.upper()}</span>'
                     f'<span>{escape(operation["operationId"])}</span></a></li>'
                     for method, _, _, operation in self.operations
                     if tag["name"] in operation["tags"]]
            links += [f'<li><a href="#webhook-{escape(name)}"><span class="method post">HOOK</span>'
                      f"<span>{escape(name)}</span></a></li>"
                      for name, item in self.document.get("webhooks", {}).items()
                      if tag["name"] in item["post"]["tags"]]
            if links:
                out.append(f'<h2>{escape(tag["name"])}</h2><ul>{"".join(links)}</ul>')
        out.append('<h2>reference</h2><ul><li><a href="#problems"><span>problem codes</span></a>'
                   '</li><li><a href="#schemas"><span>schemas</span></a></li></ul>')
        return "\n".join(out)

    def render(self, style, script):
        info = self.document["info"]
        title = f"{escape(info['title'])} {escape(info['version'])}"
        return (
            "<!DOCTYPE html>\n"
            '<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<meta name="color-scheme" content="light dark">\n'
            f'<title>{title}</title>\n<link rel="icon" href="{ICON}">\n'
            f"<style>{style}</style>\n</head>\n<body>\n"
            f'<nav aria-label="Operations">\n<p class="brand"><a href="#top">{title}</a></p>\n'
            '<input id="filter" type="search" placeholder="Filter  ( / )" '
            'aria-label="Filter operations and schemas" hidden>\n'
            f"{self.navigation()}\n</nav>\n"
            f'<main id="top">\n<header><h1>{title}</h1>\n<p class="lead">{inline(info["summary"])}'
            f"</p>\n{paragraphs(info.get('description'))}\n"
            '<p>This page as a document: <a href="/openapi.yaml">openapi.yaml</a>, '
            '<a href="/openapi.json">openapi.json</a>.</p></header>\n'
            f"{self.body()}</main>\n<script>{script}</script>\n</body>\n</html>\n")


def shown_value(value):
    return value if isinstance(value, str) else json.dumps(value)


def breakable(path):
    """Where a narrow window may break a path."""
    return escape(path).replace("/", "/<wbr>")


def text_of_error(status, response):
    return (f'<span class="status s{status[0]}">{escape(status)}</span> '
            f'{inline(response.get("description", ""))}')


def make(document):
    """The page and its Content-Security-Policy."""
    style = "\n" + (HERE / "page.css").read_text(encoding="utf-8")
    script = "\n" + (HERE / "page.js").read_text(encoding="utf-8")
    policy = (f"default-src 'none'; style-src {digest(style)}; script-src {digest(script)}; "
              "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
    return Page(document).render(style, script), policy
