# SPDX-License-Identifier: Apache-2.0
"""Writes graphemes_table.inc, of Python's own Unicode tables:

    /usr/bin/python3 service/pipeline/graphemes_table.py >service/pipeline/graphemes_table.inc
"""

import unicodedata

LAST = 0x10FFFF


def ranges(holds):
    """[first, last] of the runs of code points for which `holds` is true."""
    first = None
    for code in range(LAST + 2):
        if code <= LAST and holds(code):
            first = code if first is None else first
        elif first is not None:
            yield first, code - 1
            first = None


def joins_the_one_before(code):
    """Grapheme_Extend, SpacingMark and emoji modifiers; ZWJ is looked at by the code itself."""
    return (unicodedata.category(chr(code)) in ("Mn", "Me", "Mc") or code == 0x200C
            or 0xFF9E <= code <= 0xFF9F or 0x1F3FB <= code <= 0x1F3FF or 0xE0020 <= code <= 0xE007F)


def is_wide(code):
    return unicodedata.east_asian_width(chr(code)) in "WF"


def write(name, holds):
    print(f"static const struct range {name}[] = {{")
    line = ""
    for first, last in ranges(holds):
        entry = f" {{0x{first:x}, 0x{last:x}}},"
        if len(line) + len(entry) > 90:
            print("\t" + line.strip())
            line = ""
        line += entry
    print("\t" + line.strip())
    print("};")


def main():
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print(f"/* Written by graphemes_table.py of Unicode {unicodedata.unidata_version}. */")
    print("/* clang-format off */")
    write("extending", joins_the_one_before)
    write("wide", is_wide)
    print("/* clang-format on */")


if __name__ == "__main__":
    main()
