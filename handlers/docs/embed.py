#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Embeds openapi.yaml into the program: as it is, as JSON, and as the page of GET /docs (page.py).
Run by meson."""

import json
import sys
from pathlib import Path

import yaml

import page

sys.path.append(str(Path(__file__).resolve().parents[2] / "service" / "base"))
from c_literal import c_string  # noqa: E402


def array(name, text):
    return (f"const char {name}[] =\n\t{c_string(text)};\n"
            f"const size_t {name}_len = sizeof({name}) - 1;\n")


def main():
    source, target = map(Path, sys.argv[1:])
    text = source.read_text(encoding="utf-8")
    document = yaml.safe_load(text)
    html, policy = page.make(document)
    target.write_text(
        "/* Made by handlers/docs/embed.py; do not edit. */\n"
        '#include "docs.h"\n\n' +
        array("sl_openapi_yaml_text", text) +
        array("sl_openapi_json_text", json.dumps(document, ensure_ascii=False, indent=1) + "\n") +
        array("sl_docs_html", html) +
        f"const char sl_docs_policy[] =\n\t{c_string(policy)};\n",
        encoding="utf-8")


if __name__ == "__main__":
    main()
