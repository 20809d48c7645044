#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Embeds docs/prices.json into the program. Run by meson."""

import json
import sys
from pathlib import Path


def main():
    source, target = map(Path, sys.argv[1:])
    text = json.dumps(json.loads(source.read_text(encoding="utf-8")), indent=1)
    lines = "\n\t".join(json.dumps(line + "\n") for line in text.splitlines())
    target.write_text("/* Made by service/pipeline/embed_prices.py; do not edit. */\n"
                      '#include "prices.h"\n\n'
                      f"const char sl_prices_text[] =\n\t{lines};\n", encoding="utf-8")


if __name__ == "__main__":
    main()
