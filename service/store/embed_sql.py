#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Embeds sql/*.sql and migrations/*.sql into the program: writes sql.h (enum sl_sql) and sql.c
(struct sl_sql_catalogue, see catalogue.h). Run by meson; the rules for both kinds of file are
enforced here, so that a file that breaks one fails the build with its name and the reason."""

import argparse
import hashlib
import pathlib
import re
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "base"))
from c_literal import c_string  # noqa: E402

PARAMS_MAX = 64  # SL_SQL_PARAMS_MAX in catalogue.h

# What may hold a $1 or a semicolon that means nothing: comments, literals, quoted names.
OPAQUE = re.compile(
    r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\$((?:[A-Za-z_]\w*)?)\$.*?\$\1\$",
    re.DOTALL,
)


class Refused(Exception):
    """A file breaks a rule; the message is for the person who wrote it."""


def bare(text):
    """The SQL with everything opaque blanked out."""
    return OPAQUE.sub(" ", text)


def check_listing(directory, names, where):
    """The directory holds exactly what meson.build lists, and the list is sorted."""
    present = {p.stem for p in directory.glob("*.sql") if not p.name.startswith(".")}
    for name in names:
        if name not in present:
            raise Refused(f"{directory / name}.sql: listed in {where}, but there is no such file")
    for name in sorted(present - set(names)):
        raise Refused(f"{directory / name}.sql: not listed in {where}")
    for before, after in zip(names, names[1:]):
        if not before < after:
            raise Refused(f"{where}: '{after}' must not stand behind '{before}': sorted, each once")


def split_comment(text):
    """(leading comment lines without '--', the rest)"""
    lines = text.split("\n")
    count = 0
    while count < len(lines) and lines[count].startswith("--"):
        count += 1
    return [line[2:].strip() for line in lines[:count]], "\n".join(lines[count:]).strip()


def with_includes(path, text):
    """The text with each line `\\ir FILE.inc`, as psql has it, replaced by that file's SQL. What
    several statements share stands in such a file."""
    def included(match):
        name = path.with_name(match[1])
        try:
            return split_comment(name.read_text(encoding="utf-8"))[1]
        except FileNotFoundError:
            raise Refused(f"{path}: includes {name}, which does not exist") from None
    return re.sub(r"^\\ir (\S+\.inc)$", included, text, flags=re.MULTILINE)


def read_statement(path):
    """(name, text, number of parameters) of one statement file."""
    name = path.stem
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise Refused(f"{path}: a statement's name is made of a-z, 0-9 and _")
    comment, text = split_comment(path.read_text(encoding="utf-8"))
    text = with_includes(path, text)
    if not comment or not comment[0]:
        raise Refused(f"{path}: must start with '-- ' lines: what it does, what $1 … are")
    text = text.rstrip(";").rstrip()
    code = bare(text)
    if not code.strip():
        raise Refused(f"{path}: holds no statement")
    if ";" in code:
        raise Refused(f"{path}: holds more than one statement")
    used = {int(n) for n in re.findall(r"\$(\d+)", code)}
    params = max(used, default=0)
    if params > PARAMS_MAX:
        raise Refused(f"{path}: more than {PARAMS_MAX} parameters")
    documented = {int(n) for line in comment for n in re.findall(r"\$(\d+): \S", line)}
    for n in sorted(set(range(1, params + 1)) - used):
        raise Refused(f"{path}: ${n} is not used, but ${params} is")
    for n in sorted(used - documented):
        raise Refused(f"{path}: the comment lacks a line '-- ${n}: …'")
    for n in sorted(documented - used):
        raise Refused(f"{path}: the comment documents ${n}, which the statement does not use")
    return name, text, params


def read_migration(path, number):
    """(number, name, SHA-256, text) of one migration file, which must have that number."""
    match = re.fullmatch(r"(\d{4})_[a-z0-9_]+", path.stem)
    if not match:
        raise Refused(f"{path}: a migration is named NNNN_name.sql")
    if int(match[1]) != number:
        raise Refused(f"{path}: must be number {number:04d}: migrations have no gaps")
    content = path.read_bytes()
    text = content.decode("utf-8")
    code = bare(text)
    if not code.strip():
        raise Refused(f"{path}: is empty")
    ending = re.search(
        r"(?:^|;)\s*(BEGIN|START\s+TRANSACTION|COMMIT|ROLLBACK)\b", code, re.IGNORECASE)
    if ending:
        raise Refused(f"{path}: {ending[1]}: a migration runs inside a transaction already")
    return number, path.stem, hashlib.sha256(content).hexdigest(), text


BANNER = "/* Made by service/store/embed_sql.py; do not edit. */\n"


def header(statements):
    """sql.h"""
    lines = [BANNER, "#ifndef SL_SQL_H", "#define SL_SQL_H", "", "enum sl_sql {"]
    lines += [f"\tSL_SQL_{name}," for name, _, _ in statements]
    lines += ["\tSL_SQL_COUNT_", "};", "", "#endif", ""]
    return "\n".join(lines)


def table(kind, name, rows):
    """A static array, or nothing when there is no row: C has no empty arrays."""
    if not rows:
        return ""
    return f"static const struct {kind} {name}[] = {{\n" + "".join(rows) + "};\n\n"


def source(statements, migrations):
    """sql.c"""
    out = BANNER + '#include <stddef.h>\n\n#include "catalogue.h"\n\n'
    out += table("sl_sql_statement", "statements", [
        f'\t{{"{name}",\n\t\t{c_string(text)},\n\t\t{params}}},\n'
        for name, text, params in statements])
    out += table("sl_migration", "migrations", [
        f'\t{{{number}, "{name}",\n\t\t"{digest}",\n\t\t{c_string(text)}}},\n'
        for number, name, digest, text in migrations])
    out += "const struct sl_sql_catalogue sl_sql_catalogue = {\n"
    out += f"\t{'statements' if statements else 'NULL'}, {len(statements)},\n"
    out += f"\t{'migrations' if migrations else 'NULL'}, {len(migrations)},\n}};\n"
    return out


def write_if_changed(path, text):
    """Keeps the time stamp of a file that stays the same: what includes it is not rebuilt."""
    path = pathlib.Path(path)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def depfile(arguments, inputs):
    """For ninja. The directories too: a file that is added or removed changes their time."""
    def escape(path):
        return str(path).replace(" ", "\\ ")
    needs = [arguments.sql_dir, arguments.migrations_dir, *inputs]
    return (f"{escape(arguments.header)} {escape(arguments.source)}: "
            + " ".join(map(escape, needs)) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sql-dir", type=pathlib.Path, required=True)
    parser.add_argument("--statements", nargs="*", default=[])
    parser.add_argument("--migrations-dir", type=pathlib.Path, required=True)
    parser.add_argument("--migrations", nargs="*", default=[])
    parser.add_argument("--list", default="meson.build", help="the listing file, for messages")
    parser.add_argument("--header", required=True)
    parser.add_argument("--source", required=True)
    parser.add_argument("--depfile", required=True)
    arguments = parser.parse_args()
    try:
        check_listing(arguments.sql_dir, arguments.statements, arguments.list)
        check_listing(arguments.migrations_dir, arguments.migrations, arguments.list)
        statement_paths = [arguments.sql_dir / f"{name}.sql" for name in arguments.statements]
        migration_paths = [arguments.migrations_dir / f"{n}.sql" for n in arguments.migrations]
        statements = [read_statement(path) for path in statement_paths]
        migrations = [read_migration(path, i + 1) for i, path in enumerate(migration_paths)]
    except (Refused, UnicodeDecodeError) as problem:
        sys.exit(f"embed_sql: {problem}")
    write_if_changed(arguments.header, header(statements))
    write_if_changed(arguments.source, source(statements, migrations))
    inputs = statement_paths + migration_paths + sorted(arguments.sql_dir.glob("*.inc"))
    write_if_changed(arguments.depfile, depfile(arguments, inputs))


if __name__ == "__main__":
    main()
