# SPDX-License-Identifier: Apache-2.0
"""HTML of the small things on the page: text with a little Markdown, JSON with colours."""

import html
import json
import re

INLINE = re.compile(
    r"`([^`]+)`"  # code
    r"|\[([^\]]+)\]\((https?://[^)\s]+|#[\w-]+)\)"  # [text](link)
    r"|(https?://[^\s<>()`]*[^\s<>()`.,;:])"  # a bare link
    r"|\*\*([^*]+)\*\*")
TOKEN = re.compile(
    r'("(?:[^"\\]|\\.)*")(\s*:)?'  # a string, which before a colon is a name
    r"|\b(true|false|null)\b"
    r"|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)")


def escape(text):
    return html.escape(str(text), quote=True)


def inline(text):
    """One line of text: code, links and bold are all the Markdown there is."""
    out, at = [], 0
    for found in INLINE.finditer(text):
        out.append(escape(text[at:found.start()]))
        code, label, target, bare, bold = found.groups()
        if code is not None:
            out.append(f"<code>{escape(code)}</code>")
        elif bold is not None:
            out.append(f"<strong>{escape(bold)}</strong>")
        else:
            out.append(f'<a href="{escape(target or bare)}">{escape(label or bare)}</a>')
        at = found.end()
    return "".join(out) + escape(text[at:])


def paragraphs(text):
    """A description: paragraphs, and lists whose items begin with a dash."""
    out = []
    for block in re.split(r"\n\s*\n", (text or "").strip()):
        if block.lstrip().startswith("- "):
            items = re.split(r"\n(?=\s*- )", block)
            out.append("<ul>" + "".join(f"<li>{inline(flat(item.lstrip()[2:]))}</li>"
                                        for item in items) + "</ul>")
        elif block.strip():
            out.append(f"<p>{inline(flat(block))}</p>")
    return "\n".join(out)


def flat(text):
    return " ".join(text.split())


def coloured(value):
    """JSON, indented."""
    text, out, at = json.dumps(value, ensure_ascii=False, indent=2), [], 0
    for found in TOKEN.finditer(text):
        out.append(escape(text[at:found.start()]))
        string, colon, word, _ = found.groups()
        kind = ("k" if colon else "s") if string else "w" if word else "n"
        out.append(f'<span class="{kind}">{escape(string or found.group(0))}</span>'
                   f'{colon or ""}')
        at = found.end()
    return "".join(out) + escape(text[at:])


def example_body(kind, value):
    """The body of an example, by its media type."""
    if "json" in kind and not isinstance(value, str):
        return coloured(value)
    return escape(value if isinstance(value, str) else json.dumps(value))
