#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Embeds docs/prices.json into the program. Run by meson."""

import json
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "base"))
from c_literal import c_string  # noqa: E402


def main():
    source, target = map(Path, sys.argv[1:])
    text = json.dumps(json.loads(source.read_text(encoding="utf-8")), indent=1) + "\n"
    target.write_text("/* Made by service/pipeline/embed_prices.py; do not edit. */\n"
                      '#include "prices.h"\n\n'
                      f"const char sl_prices_text[] =\n\t{c_string(text)};\n", encoding="utf-8")


if __name__ == "__main__":
    main()
