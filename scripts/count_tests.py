#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""count_tests.py JUNIT.xml…: adds up what test programs reported; 1 when anything failed."""

import sys
import xml.etree.ElementTree


def main():
    ran = failed = skipped = 0
    for path in sys.argv[1:]:
        for case in xml.etree.ElementTree.parse(path).iter("testcase"):
            ran += 1
            skipped += case.find("skipped") is not None
            failed += case.find("failure") is not None or case.find("error") is not None
    tail = f", {skipped} skipped" if skipped else ""
    print(f"{ran - failed - skipped} passed, {failed} failed{tail}")
    sys.exit(1 if failed or ran == skipped else 0)


if __name__ == "__main__":
    main()
