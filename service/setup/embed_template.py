#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Embeds docs/cloudformation.yaml into the program: as it is, and as JSON, in which the short tags
have become their long forms ({"Fn::Sub": …}). Run by meson."""

import json
import sys
from pathlib import Path

import yaml

sys.path.append(str(Path(__file__).resolve().parents[1] / "base"))
from c_literal import c_string  # noqa: E402


class Loader(yaml.SafeLoader):
    """YAML as CloudFormation reads it: a date is a string, and tags are functions."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()}


def function(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else "Fn::" + suffix: value}


Loader.add_multi_constructor("!", function)


def read(path):
    """The template as CloudFormation's JSON."""
    text = Path(path).read_text(encoding="utf-8")
    aliases = [token for token in yaml.scan(text) if isinstance(token, yaml.AliasToken)]
    if aliases:
        sys.exit(f"{path}:{aliases[0].start_mark.line + 1}: CloudFormation knows no aliases")
    return text, yaml.load(text, Loader)


def main():
    source, target = sys.argv[1:]
    text, template = read(source)
    Path(target).write_text(
        "/* Made by service/setup/embed_template.py; do not edit. */\n"
        '#include "template.h"\n\n'
        f"const char sl_template_text[] =\n\t{c_string(text)};\n\n"
        f"const char sl_template_json[] =\n\t{c_string(json.dumps(template, indent=1))};\n",
        encoding="utf-8")


if __name__ == "__main__":
    main()
