# SPDX-License-Identifier: Apache-2.0
"""service/store/embed_sql.py: what it makes, and what it refuses with which words."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).parents[2] / "service" / "store" / "embed_sql.py"

STATEMENT = "-- Reads.\n-- $1: id\nSELECT a FROM t WHERE id = $1;\n"
MIGRATION = "CREATE TABLE t (a text);\n"

# (name of file, its content, words of the refusal)
REFUSED_STATEMENTS = [
    ("no_comment", "SELECT 1", "must start with '-- ' lines"),
    ("empty_comment", "--\nSELECT 1", "must start with '-- ' lines"),
    ("nothing", "-- Nothing.\n", "holds no statement"),
    ("two", "-- Two.\nSELECT 1; SELECT 2", "more than one statement"),
    ("undocumented", "-- $1: id\nSELECT $1, $2", "lacks a line '-- $2: …'"),
    ("unused", "-- $1: id\n-- $2: what\nSELECT $1", "documents $2"),
    ("gap", "-- $1: id  $3: what\nSELECT $1, $3", "$2 is not used, but $3 is"),
    ("literal", "-- $1: id\nSELECT '$1', $$ $1 $$ -- $1\n", "documents $1"),
    ("Capital", STATEMENT, "a-z, 0-9 and _"),
    ("many", "-- $1: id\nSELECT $65", "more than 64"),
    ("lost", "-- Lost.\n\\ir nowhere.inc\nSELECT 1", "nowhere.inc, which does not exist"),
]
REFUSED_MIGRATIONS = [
    ("0002_second", MIGRATION, "must be number 0001"),
    ("first", MIGRATION, "named NNNN_name.sql"),
    ("0001_empty", "-- only words\n", "is empty"),
    ("0001_begin", "BEGIN;\n" + MIGRATION, "BEGIN"),
    ("0001_commit", MIGRATION + "  commit;\n", "commit"),
]
ACCEPTED_MIGRATION = """-- BEGIN; 'quoted
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $body$ BEGIN NULL; COMMIT; END $body$;
"""


class EmbedSql(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name)
        (self.root / "sql").mkdir()
        (self.root / "migrations").mkdir()

    def put(self, directory, files):
        for name, content in files.items():
            (self.root / directory / f"{name}.sql").write_text(content, encoding="utf-8")

    def embed(self, statements=(), migrations=()):
        """(standard error, sql.h, sql.c)"""
        header, source = self.root / "sql.h", self.root / "sql.c"
        done = subprocess.run(
            [sys.executable, SCRIPT, "--list", "the list", "--sql-dir", self.root / "sql",
             "--statements", *statements, "--migrations-dir", self.root / "migrations",
             "--migrations", *migrations, "--header", header, "--source", source,
             "--depfile", self.root / "sql.d"],
            capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode != 0, done.stderr != "")
        if done.stderr:
            return done.stderr, "", ""
        return "", header.read_text(), source.read_text()

    def test_nothing_listed_makes_an_empty_catalogue(self):
        _, header, source = self.embed()
        self.assertIn("enum sl_sql {\n\tSL_SQL_COUNT_\n};", header)
        self.assertIn("NULL, 0,\n\tNULL, 0,", source)

    def test_statements_and_migrations_are_embedded(self):
        self.put("sql", {"video_get": STATEMENT, "video_list": "-- Lists.\nSELECT 'é\\\"'"})
        self.put("migrations", {"0001_first": ACCEPTED_MIGRATION, "0002_second": MIGRATION})
        _, header, source = self.embed(["video_get", "video_list"], ["0001_first", "0002_second"])
        self.assertIn("\tSL_SQL_video_get,\n\tSL_SQL_video_list,\n\tSL_SQL_COUNT_", header)
        self.assertIn('{"video_get",\n\t\t"SELECT a FROM t WHERE id = $1",\n\t\t1}', source)
        self.assertIn('"SELECT \'\\303\\251\\\\\\"\'",\n\t\t0}', source)
        self.assertIn('{2, "0002_second",', source)

    def test_what_statements_share_is_included(self):
        self.put("sql", {"a": "-- A.\n-- $1: id\n\\ir both.inc\nSELECT * FROM w"})
        (self.root / "sql" / "both.inc").write_text("-- Both.\nWITH w AS (SELECT $1)\n")
        source = self.embed(["a"])[2]
        self.assertIn('"WITH w AS (SELECT $1)\\n"\n\t"SELECT * FROM w"', source)
        self.assertIn("both.inc", (self.root / "sql.d").read_text())

    def test_statements_that_break_a_rule_are_refused(self):
        for name, content, words in REFUSED_STATEMENTS:
            with self.subTest(name):
                self.put("sql", {name: content})
                error, _, _ = self.embed([name])
                self.assertIn(f"{name}.sql: ", error)
                self.assertIn(words, error)
                (self.root / "sql" / f"{name}.sql").unlink()

    def test_migrations_that_break_a_rule_are_refused(self):
        for name, content, words in REFUSED_MIGRATIONS:
            with self.subTest(name):
                self.put("migrations", {name: content})
                error, _, _ = self.embed([], [name])
                self.assertIn(f"{name}.sql: ", error)
                self.assertIn(words, error)
                (self.root / "migrations" / f"{name}.sql").unlink()

    def test_the_list_and_the_directory_agree(self):
        self.put("sql", {"a": STATEMENT, "b": STATEMENT})
        self.assertIn("b.sql: not listed in the list", self.embed(["a"])[0])
        self.assertIn("c.sql: listed in the list, but", self.embed(["a", "b", "c"])[0])
        self.assertIn("'a' must not stand behind 'b'", self.embed(["b", "a"])[0])
        self.assertIn("'a' must not stand behind 'a'", self.embed(["a", "a", "b"])[0])
        self.put("migrations", {"0001_a": MIGRATION, "0003_c": MIGRATION})
        self.assertIn("must be number 0002", self.embed(["a", "b"], ["0001_a", "0003_c"])[0])

    def test_what_stays_the_same_keeps_its_time(self):
        self.put("sql", {"a": STATEMENT})
        self.embed(["a"])
        before = (self.root / "sql.h").stat().st_mtime_ns
        self.put("sql", {"a": STATEMENT.replace("SELECT a", "SELECT b")})
        self.assertIn("SELECT b", self.embed(["a"])[2])
        self.assertEqual((self.root / "sql.h").stat().st_mtime_ns, before)

    def test_the_directories_are_dependencies(self):
        self.put("sql", {"a": STATEMENT})
        self.embed(["a"])
        needs = (self.root / "sql.d").read_text().split(": ")[1].split()
        self.assertIn(str(self.root / "sql"), needs)
        self.assertIn(str(self.root / "migrations"), needs)
        self.assertIn(str(self.root / "sql" / "a.sql"), needs)


if __name__ == "__main__":
    unittest.main()
