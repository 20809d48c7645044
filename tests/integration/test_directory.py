# SPDX-License-Identifier: Apache-2.0
"""GET /celebrities and GET /labels: who and what there is in all videos."""

import json
import urllib.parse

import pytest

import replay
from harness import BUCKET, wait_until

# name, id, frames in which it is seen (one a second, ten seconds)
PEOPLE = {
    "first": [("Zoë Kravitz", "zk", [0, 1, 2, 5]), ("Ada Lovelace", "al", [9]), ("Björk", None, [3])],
    "second": [("Zoë Kravitz", "zk", [4, 5]), ("Adam Driver", "ad", [0, 2, 4]),
               ("Chris Evans", "actor", [1]), ("Chris Evans", "presenter", [2])],
    "third": [("Zoë Kravitz", "zk", [0]), ("Søren Kierkegaard", "sk", [6, 7, 8]), ("봉준호", "bj", [1])],
}


def write_video(directory, name):
    """A replay with the people above, and labels: Car always, one of its own, and Tree at last."""
    made = replay.write(directory, name, frames=10, celebrities=0, labels=0, words=0, audio=False)
    box = {"Left": 0.1, "Top": 0.1, "Width": 0.2, "Height": 0.2}
    with open(made.path / "celebrities.jsonl", "w", encoding="utf-8") as lines:
        for frame in range(10):
            faces = [{"Name": person, **({"Id": identifier} if identifier else {}),
                      "Urls": [f"example.com/{identifier}"], "MatchConfidence": 90.0 + frame,
                      "Face": {"BoundingBox": box, "Confidence": 99.0}}
                     for person, identifier, frames in PEOPLE[name] if frame in frames]
            if faces:
                lines.write(json.dumps({"frame": frame, "CelebrityFaces": faces}) + "\n")
    with open(made.path / "labels.jsonl", "w", encoding="utf-8") as lines:
        for frame in range(10):
            for label in ["Car", f"Only {name}"] + (["Tree"] if frame == 9 else []):
                lines.write(json.dumps({"Timestamp": frame * 500, "Label": {
                    "Name": label, "Confidence": 95.0, "Instances": [], "Aliases": [],
                    "Parents": [{"Name": "Vehicle"}] if label == "Car" else [],
                    "Categories": [{"Name": "Things"}]}}) + "\n")
    return made


@pytest.fixture(scope="module")
def videos(svc, cloud, replays):
    """The videos by name, in order of their submission."""
    found = {}
    for name in PEOPLE:
        uri = write_video(replays, name).upload(cloud, BUCKET, f"in/{name}.mp4")
        found[name] = svc.submit(uri, title=name, analyses=["celebrities", "labels"])["id"]
        svc.wait_state(found[name], "complete")
    return found


def ask(svc, what, **parameters):
    query = urllib.parse.urlencode(parameters)
    reply = svc.get(f"/{what}" + (f"?{query}" if query else ""))
    assert reply.status == 200, reply.body
    return reply.json


def names(svc, what, **parameters):
    return [one["name"] for one in ask(svc, what, **parameters)[what]]


def test_everyone_is_listed_by_name_without_regard_to_accents(svc, videos):
    assert names(svc, "celebrities") == [
        "Ada Lovelace", "Adam Driver", "Björk", "Chris Evans", "Chris Evans", "Søren Kierkegaard",
        "Zoë Kravitz", "봉준호"]
    assert names(svc, "labels") == ["Car", "Only first", "Only second", "Only third", "Tree"]


def test_a_row_has_the_sums_of_what_the_documents_say(svc, videos):
    rows = {(one["name"], one.get("id")): one for one in ask(svc, "celebrities")["celebrities"]}
    documents = [svc.metadata(video) for video in videos.values()]
    for (name, identifier), row in rows.items():
        shown = [one for document in documents for one in document["celebrities"]
                 if one["name"] == name and one.get("id") == identifier]
        times = [time for one in shown for time in one["appearances"]]
        assert row["videos"] == len(shown)
        assert row["appearances"] == len(times)
        assert row["on_screen_ms"] == sum(time["to_ms"] - time["from_ms"] for time in times)
        assert row["urls"] == shown[-1]["urls"]
    zoe = rows["Zoë Kravitz", "zk"]
    assert (zoe["videos"], zoe["appearances"], zoe["on_screen_ms"]) == (3, 4, 7000)
    assert (zoe["first_video"]["id"], zoe["last_video"]["id"]) == (videos["first"], videos["third"])
    assert (zoe["first_video"]["title"], zoe["last_video"]["title"]) == ("first", "third")
    labels = {one["name"]: one for one in ask(svc, "labels")["labels"]}
    car = labels["Car"]
    assert (car["videos"], car["appearances"]) == (3, 3)
    assert car["on_screen_ms"] == 3 * 5000
    assert (car["parents"], car["categories"]) == (["Vehicle"], ["Things"])
    assert labels["Only second"]["first_video"] == labels["Only second"]["last_video"]


@pytest.mark.parametrize("sort, first", [
    ("videos", ["Zoë Kravitz", "Ada Lovelace", "Adam Driver", "Björk"]),
    ("appearances", ["Zoë Kravitz", "Adam Driver", "Ada Lovelace", "Björk"]),
    ("on_screen", ["Zoë Kravitz", "Adam Driver", "Søren Kierkegaard", "Ada Lovelace"]),
    ("name", ["Ada Lovelace", "Adam Driver", "Björk", "Chris Evans"])])
def test_the_most_come_first(svc, videos, sort, first):
    assert names(svc, "celebrities", sort=sort)[:4] == first


@pytest.mark.parametrize("typed, first", [
    ("zoe", "Zoë Kravitz"), ("ZOË", "Zoë Kravitz"), ("zoë kra", "Zoë Kravitz"),
    ("krav", "Zoë Kravitz"), ("kravits", "Zoë Kravitz"), ("zeo krav", "Zoë Kravitz"),
    ("bjork", "Björk"), ("bjrok", "Björk"), ("soren", "Søren Kierkegaard"),
    ("kirkegard", "Søren Kierkegaard"), ("ada l", "Ada Lovelace"), ("lovlace", "Ada Lovelace"),
    ("봉", "봉준호"), ("z", "Zoë Kravitz"), ("drvier", "Adam Driver")])
def test_typing_forgives_accents_and_errors(svc, videos, typed, first):
    assert names(svc, "celebrities", prefix=typed)[:1] == [first]


def test_what_begins_so_comes_before_what_is_like_it(svc, videos):
    assert names(svc, "celebrities", prefix="ada") == ["Ada Lovelace", "Adam Driver"]
    assert names(svc, "labels", prefix="only") == ["Only first", "Only second", "Only third"]
    assert names(svc, "labels", prefix="only", sort="name", limit=2) == ["Only first", "Only second"]
    assert names(svc, "celebrities", prefix="xqzw") == []
    # Nothing that was typed is a pattern.
    assert names(svc, "celebrities", prefix="%") == []
    assert names(svc, "celebrities", prefix="_da") == names(svc, "celebrities", prefix="da") == []


@pytest.mark.parametrize("sort", ["name", "videos", "appearances", "on_screen"])
@pytest.mark.parametrize("prefix", [None, "a", "e"])
def test_pages_together_are_the_whole(svc, videos, sort, prefix):
    parameters = {"sort": sort, **({"prefix": prefix} if prefix else {})}
    whole = ask(svc, "celebrities", **parameters)
    assert "next_cursor" not in whole
    pages, cursor = [], {}
    while cursor is not None:
        page = ask(svc, "celebrities", limit=1, **parameters, **cursor)
        pages += page["celebrities"]
        cursor = {"cursor": page["next_cursor"]} if "next_cursor" in page else None
    assert pages == whole["celebrities"]


@pytest.mark.parametrize("query, pointer", [
    ("sort=match", "?sort"), ("sort=size", "?sort"), ("limit=0", "?limit"), ("limit=1001", "?limit"),
    ("prefix=", "?prefix"), ("prefix=" + "a" * 101, "?prefix"), ("cursor=x", "?cursor"),
    ("prefix=a&prefix=b", "?prefix"), ("size=1", "?size")])
def test_what_is_wrong_with_a_request_is_said(svc, query, pointer):
    for what in ("celebrities", "labels"):
        reply = svc.get(f"/{what}?{query}")
        assert (reply.status, reply.json["code"]) == (400, "bad_parameter")
        assert reply.json["pointer"] == pointer


def test_a_cursor_is_good_for_its_own_list_only(svc, videos):
    cursor = ask(svc, "celebrities", limit=1)["next_cursor"]
    for target in (f"/labels?cursor={cursor}", f"/celebrities?sort=videos&cursor={cursor}",
                   f"/celebrities?prefix=a&cursor={cursor}", f"/celebrities?cursor={cursor[:-1]}",
                   f"/celebrities?cursor=A{cursor}"):
        reply = svc.get(target)
        assert (reply.status, reply.json["pointer"]) == (400, "?cursor"), target


def sums(database):
    """The directory as it is, and as its videos make it."""
    database.query("SELECT spotlist_data.tally_names()")
    kept = database.query("SELECT kind, name, celebrity_id, videos, appearances, on_screen_ms "
                          "FROM spotlist_data.names ORDER BY 1, 2, 3")
    made = database.query("SELECT kind, name, celebrity_id, count(*), sum(appearances), "
                          "sum(on_screen_ms) FROM spotlist_data.video_names "
                          "GROUP BY 1, 2, 3 ORDER BY 1, 2, 3")
    return kept, made


def test_deleting_and_analysing_again_keep_the_sums_right(svc, cloud, replays, videos):
    uri = write_video(replays, "third").upload(cloud, BUCKET, "in/again.mp4") \
        if not (replays / "third").exists() else None
    uri = uri or svc.get(f"/videos/{videos['third']}").json["source"]
    video = svc.submit(uri, analyses=["celebrities", "labels"])["id"]
    svc.wait_state(video, "complete")
    assert ask(svc, "labels", prefix="only third")["labels"][0]["videos"] == 2
    reply = svc.post(f"/videos/{video}/analyses", {"analyses": ["labels"]})
    assert reply.status == 202, reply.body
    svc.wait_state(video, "complete")
    kept, made = sums(svc.database)
    assert kept == made
    assert ask(svc, "labels", prefix="only third")["labels"][0]["videos"] == 2
    assert svc.request("DELETE", f"/videos/{video}").status == 202
    wait_until(lambda: svc.get(f"/videos/{video}").status == 404)
    kept, made = sums(svc.database)
    assert kept == made
    assert ask(svc, "labels", prefix="only third")["labels"][0]["videos"] == 1


def test_sums_are_added_up_when_nobody_reads(svc, videos):
    """By the round of maintenance."""
    svc.database.query("INSERT INTO spotlist_data.name_changes "
                       "(kind, name, videos, appearances, on_screen_ms) "
                       "VALUES ('label', 'Added', 1, 1, 1), ('label', 'Added', -1, -1, -1)")
    svc.restart()
    wait_until(lambda: svc.database.query("SELECT count(*) FROM spotlist_data.name_changes") == [(0,)])


def test_a_check_finds_wrong_appearances(svc, videos):
    assert svc.command("rebuild", "--check", check=False).returncode == 0
    video = videos["first"]
    svc.database.query("UPDATE spotlist_data.appearances SET to_ms = to_ms + 1 "
                       "WHERE video_id = %s AND kind = 'celebrity' AND ordinal = 1", video)
    svc.database.query("UPDATE spotlist_data.video_names SET on_screen_ms = 0 "
                       "WHERE video_id = %s AND kind = 'label' AND ordinal = 2", video)
    svc.database.query("UPDATE spotlist_data.names SET videos = 7 WHERE name = 'Car'")
    done = svc.command("rebuild", "--check", check=False)
    assert done.returncode != 0
    assert f"{video} appearances celebrity, 1: to_ms is" in done.stdout
    assert f"{video} video_names label, 2: on_screen_ms is 0 in PostgreSQL" in done.stdout
    assert "names label Car: videos is 7, of all videos together 3" in done.stdout
    assert svc.command("rebuild", check=False).returncode == 0
    assert svc.command("rebuild", "--check", check=False).returncode == 0
