# SPDX-License-Identifier: Apache-2.0
"""Text as C string literals, for the scripts that embed a file into the program. They are run by
meson and find this file by their own place."""


def c_string(text):
    """C literals of the text's UTF-8, one a line of it."""
    def escape(line):
        out = ""
        for byte in line.encode("utf-8"):
            char = chr(byte)
            if char in '\\"':
                out += "\\" + char
            elif char == "?":  # no trigraphs
                out += "\\?"
            elif 32 <= byte < 127:
                out += char
            else:
                out += "\\n" if char == "\n" else f"\\{byte:03o}"
        return f'"{out}"'
    return "\n\t".join(escape(line) for line in text.splitlines(keepends=True)) or '""'
