# SPDX-License-Identifier: Apache-2.0
"""Holds what is left after the run against what the replays hold. Every check is by other means
than spotlist's: SQL, boto3, the API as a client sees it, and localcloud's journal of jobs.
"""

import collections
import contextlib
import json

import psycopg2
import psycopg2.extras

import expected
from harness import CONTRACT, exchange
from shapes import ALL

FINAL = {"complete", "partial", "failed", "canceled"}
# Where MediaConvert may have been asked for a second job with the same mark: its token is good for
# a minute, and before that spotlist looks through the newest hundred jobs. Anything else is a bug.
TOKEN_MS = 60_000
NEWEST = 100


class Verifier:
    """Gathers everything once, then looks at each video. `problems`: (video or None, sentence)."""

    def __init__(self, world, submissions, receiver):
        self.world = world
        self.submissions = submissions
        self.receiver = receiver
        self.problems = []
        self.checked = 0
        self.deleted = 0
        self.canceled = 0
        self.second_jobs = 0
        self.validated = set()  # shapes with large documents

    def query(self, sql, *parameters):
        with self.connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
            cursor.execute(sql, parameters or None)
            return [dict(row) for row in cursor.fetchall()]

    def wrong(self, video_id, sentence):
        self.problems.append((video_id, sentence))

    def expect(self, video_id, what, found, wanted):
        if found != wanted:
            self.wrong(video_id, f"{what}: {difference(found, wanted)}")
        return found == wanted

    # --- all --------------------------------------------------------------------------------

    def run(self):
        with contextlib.closing(psycopg2.connect(self.world.database.conninfo)) as self.connection:
            self.gather()
            self.match()
            for submission, video in self.pairs:
                self.check(submission, video)
                self.checked += 1
            self.nothing_left()
        self.rebuild_agrees()

    def gather(self):
        self.videos = {row["id"]: row for row in self.query(
            "SELECT id::text AS id, state, title, key, bucket, error_code, callback_url "
            "FROM spotlist_data.videos")}
        self.table = self.world.scan()
        self.objects = self.world.objects()
        self.jobs = collections.defaultdict(list)  # (service, video, mark)
        self.transcodes = []
        for job in sorted(self.world.cloud.journal()["jobs"], key=lambda job: job["created_ms"]):
            self.jobs[job_of(job)].append(job)
            if job["service"] == "mediaconvert":
                self.transcodes.append(job["created_ms"])
        self.items_of = collections.defaultdict(set)
        for name, item in self.table.items():
            self.items_of[item.get("videoId")].add(name)
        self.objects_of = collections.defaultdict(set)
        for key in self.objects:
            prefix, _, rest = key.partition("/")
            if prefix in ("thumbs", "mp4", "audio", "transcripts", "uploads") and "/" in rest:
                self.objects_of[rest.split("/")[0]].add(key)
        self.timelines = collections.defaultdict(list)
        for row in self.query("SELECT video_id::text AS video, at, event, analysis "
                              "FROM spotlist_data.timeline ORDER BY id"):
            self.timelines[row["video"]].append(row)

    def match(self):
        """Each submission and the one video that it became."""
        self.pairs = []
        by_title, by_key = collections.defaultdict(list), collections.defaultdict(list)
        for video in self.videos.values():
            by_title[video["title"]].append(video)
            by_key[video["key"]].append(video)
        known = set()
        for submission in self.submissions:
            found = by_key[submission.key] if submission.how == "event" else \
                by_title[submission.title]
            known.update(video["id"] for video in found)
            if len(found) > 1:
                self.wrong(found[1]["id"], f"{submission.title} ({submission.how}) was accepted "
                           f"{len(found)} times: {[video['id'] for video in found]}")
            if submission.video_id and submission.fate == "delete" and submission.ended:
                self.gone(submission, found)
            elif submission.video_id and submission.video_id not in self.videos:
                self.wrong(submission.video_id, "was accepted and is lost")
            elif found:
                self.pairs.append((submission, found[0]))
            elif submission.how == "event":
                self.wrong(None, f"{submission.key} never became a video")
        for video in set(self.videos) - known:
            self.wrong(video, "nobody submitted this video")

    def gone(self, submission, found):
        """A deleted video leaves nothing."""
        self.deleted += 1
        video_id = submission.video_id
        self.expect(video_id, "deleted: its rows", [video["state"] for video in found], [])
        self.expect(video_id, "deleted: its items", sorted(self.items_of[video_id]), [])
        self.expect(video_id, "deleted: its objects", sorted(self.objects_of[video_id]), [])
        reply = exchange(self.world.forwarder.url, "GET", f"/videos/{video_id}")
        self.expect(video_id, "deleted: GET answers", reply.status, 404)
        for (service, owner, mark), jobs in self.jobs.items():
            if owner == video_id and (len(jobs) > 1 or running(jobs[0])):
                self.wrong(video_id, f"deleted: {service} jobs {mark}: {jobs}")

    # --- one video --------------------------------------------------------------------------

    def check(self, submission, video):
        video_id, shape = video["id"], submission.shape
        analyses = {row["kind"]: row for row in self.query(
            "SELECT kind, state, reason, attempt FROM spotlist_data.analyses "
            "WHERE video_id = %s", video_id)}
        if video["state"] == "canceled":
            self.check_canceled(submission, video, analyses)
            return
        state, code = shape.state(submission.analyses)
        self.expect(video_id, "state and error", (video["state"], video["error_code"]),
                    (state, code))
        outcomes = shape.outcomes(submission.analyses)
        self.expect(video_id, "analyses", {kind: (row["state"], row["reason"])
                                           for kind, row in analyses.items()}, outcomes)
        complete = {kind for kind, (end, _) in outcomes.items() if end == "complete"}
        self.check_rows(video_id, shape, complete)
        self.check_items(video, shape, complete, outcomes)
        self.check_objects(submission, video_id, shape, outcomes)
        self.check_document(submission, video, complete, outcomes)
        self.check_jobs(video_id, shape, outcomes, exact=True)
        self.check_timeline(submission, video_id, outcomes, state)
        self.check_callback(submission, video_id, state)

    def check_canceled(self, submission, video, analyses):
        self.canceled += 1
        video_id = video["id"]
        if submission.fate != "cancel":
            self.wrong(video_id, "is canceled, though nobody asked for that")
        open_ones = {kind: row["state"] for kind, row in analyses.items()
                     if row["state"] not in ("complete", "skipped", "failed", "canceled")}
        self.expect(video_id, "canceled: open analyses", open_ones, {})
        record = self.table.get(f"videos/{video_id}", {})
        self.expect(video_id, "canceled: DynamoDB says", record.get("state"), "canceled")
        self.check_jobs(video_id, submission.shape,
                        submission.shape.outcomes(submission.analyses), exact=False)
        self.check_callback(submission, video_id, "canceled")

    def check_rows(self, video_id, shape, complete):
        for table, wanted in expected.rows(shape, video_id, complete).items():
            found = [tuple(row.values()) for row in self.query(
                f"SELECT {expected.COLUMNS[table]} FROM spotlist_data.{table} "
                f"WHERE video_id = %s ORDER BY 1, 2", video_id)]
            self.expect(video_id, f"PostgreSQL {table}", found, wanted)

    def check_items(self, video, shape, complete, outcomes):
        video_id, used = video["id"], set()
        for name, wanted in expected.items(shape, video_id, complete).items():
            if name not in self.table:
                self.wrong(video_id, f"DynamoDB: {name} is missing")
                continue
            for attribute, value in wanted.items():
                try:
                    found = expected.stored(self.table, name, attribute, used)
                except KeyError as error:
                    found = f"no part {error}"
                self.expect(video_id, f"DynamoDB {name} {attribute}", found, value)
        record = f"videos/{video_id}"
        if record not in self.table:
            self.wrong(video_id, f"DynamoDB: {record} is missing")
        else:
            self.check_record(video, shape, complete, outcomes, used)
        self.expect(video_id, "DynamoDB's items", self.items_of[video_id], used)

    def check_record(self, video, shape, complete, outcomes, used):
        name, item = f"videos/{video['id']}", self.table[f"videos/{video['id']}"]
        record = json.loads(expected.stored(self.table, name, "record", used))
        self.expect(video["id"], "the record's state", (item["state"], record["video"]["state"]),
                    (video["state"], video["state"]))
        self.expect(video["id"], "the record's analyses",
                    {one["kind"]: (one["state"], one["reason"]) for one in record["analyses"]},
                    outcomes)
        frames = json.loads(item.get("celebrityFrames") or "[]")
        self.expect(video["id"], "the record's celebrityFrames", frames,
                    sorted(shape.faces) if "celebrities" in complete else [])

    def check_objects(self, submission, video_id, shape, outcomes):
        wanted = set()
        if "transcode" not in shape.fail:
            wanted = {expected.frame_key(video_id, frame) for frame in range(shape.frames)}
            wanted.add(f"mp4/{video_id}/video.mp4")
            if shape.audio:
                wanted.add(f"audio/{video_id}/audio.m4a")
        if outcomes.get("transcript", ("",))[0] == "complete":
            wanted.add(f"transcripts/{video_id}/1.json")
        found = {key for key in self.objects_of[video_id] if not key.startswith("uploads/")}
        self.expect(video_id, "S3's objects", found, wanted)

    def check_document(self, submission, video, complete, outcomes):
        video_id, shape = video["id"], submission.shape
        target = f"/videos/{video_id}/metadata"
        reply = exchange(self.world.forwarder.url, "GET", target)
        if len(reply.body) < 10_000 or shape.name not in self.validated:  # that takes its time
            self.validated.add(shape.name)
            for problem in CONTRACT.check("GET", target, reply.status, reply.headers, reply.body):
                self.wrong(video_id, f"GET {target}: {problem}")
        if reply.status != 200:
            return
        document = reply.json
        self.expect(video_id, "the document's analyses",
                    {kind: (one["state"], one.get("reason"))
                     for kind, one in document["analyses"].items()}, outcomes)
        self.expect(video_id, "the document's celebrities", document["celebrities"],
                    expected.celebrities(shape, video_id) if "celebrities" in complete else [])
        self.expect(video_id, "the document's labels", document["labels"],
                    expected.labels(shape) if "labels" in complete else [])
        if "transcript" in complete:
            transcript = document.get("transcript", {})
            for member, value in expected.transcript_parts(shape).items():
                self.expect(video_id, f"the document's transcript.{member}",
                            transcript.get(member), value)
            self.expect(video_id, "the document's segments", " ".join(
                one["text"] for one in transcript.get("segments", [])), shape.text())
        self.expect(video_id, "the document's frames", document["outputs"]["frames"].get("count"),
                    None if "transcode" in shape.fail else shape.frames)

    def check_jobs(self, video_id, shape, outcomes, exact):
        """One job for each audio try, one label job, one transcription job; nothing more."""
        wanted = {("mediaconvert", video_id, mark) for mark in shape.transcodes()}
        if "transcode" not in shape.fail:
            wanted |= {("rekognition", video_id, "")} if "labels" in outcomes else set()
            if "transcript" in outcomes and shape.audio:
                wanted.add(("transcribe", video_id, ""))
        found = {key: jobs for key, jobs in self.jobs.items() if key[1] == video_id}
        for key in set(found) - wanted:
            self.wrong(video_id, f"needless job {key[0]} {key[2]}: {found[key]}")
        for key in wanted:
            jobs = found.get(key, [])
            if exact and not jobs:
                self.wrong(video_id, f"no {key[0]} job {key[2]}")
            for one, two in zip(jobs, jobs[1:]):
                if key[0] == "mediaconvert" and self.forgotten(one, two):
                    self.second_jobs += 1
                else:
                    self.wrong(video_id, f"{key[0]} job {key[2]} was made twice: {one}, {two}")
        for jobs in found.values():
            if any(running(job) for job in jobs):
                self.wrong(video_id, f"a job still runs: {jobs}")

    def forgotten(self, one, two):
        between = sum(one["created_ms"] < at < two["created_ms"] for at in self.transcodes)
        return two["created_ms"] - one["created_ms"] > TOKEN_MS and between >= NEWEST

    def check_timeline(self, submission, video_id, outcomes, state):
        shape, timeline = submission.shape, self.timelines[video_id]
        # As the API tells it: a final state has its time in whole milliseconds.
        times = [int(entry["at"].timestamp() * 1000) for entry in timeline]
        if times != sorted(times):
            self.wrong(video_id, "the timeline is not in order of time")
        events = collections.Counter((entry["event"], entry["analysis"]) for entry in timeline)
        for kind in ALL:  # told only when the collection takes a step of its own
            if events[("finished_by_provider", kind)] > 1:
                self.wrong(video_id, f"the timeline tells twice that {kind} was finished")
            del events[("finished_by_provider", kind)]
        wanted = collections.Counter({("accepted", None): 1,
                                      ("transcode_started", None): len(shape.transcodes())})
        if submission.how == "upload":
            wanted[("uploaded", None)] = 1
        if "transcode" in shape.fail:
            wanted[("failed", None)] = 1
        else:
            wanted[("transcoded", None)] = 1
            wanted[(f"settled_{state}", None)] = 1
        for kind, (end, reason) in outcomes.items():
            started = reason not in ("transcode_failed", "no_audio")
            if started:
                wanted[("started", kind)] = 1
            wanted[({"complete": "collected"}.get(end, end), kind)] = 1
        self.expect(video_id, "the timeline", +events, wanted)

    def check_callback(self, submission, video_id, state):
        if not submission.callback:
            return
        told = self.receiver.told(submission.number)
        if not told:
            self.wrong(video_id, f"the callback was never told that it is {state}")
        for problem in self.receiver.problems(submission.number):
            self.wrong(video_id, f"callback: {problem}")
        for message in told:
            self.expect(video_id, "the callback's message", (
                message["type"], message["data"]["id"], message["data"]["state"]),
                (f"video.{state}", video_id, state))
        ids = {message["webhook-id"] for message in told}
        self.expect(video_id, "messages to the callback", len(ids), 1)
        rows = self.query("SELECT state, count(*)::int AS count FROM "
                          "spotlist_data.webhook_deliveries WHERE video_id = %s GROUP BY 1",
                          video_id)
        self.expect(video_id, "deliveries", rows, [{"state": "delivered", "count": 1}])

    # --- nothing left over ------------------------------------------------------------------

    def nothing_left(self):
        for row in self.query("SELECT video_id::text AS video, track, kind, parked, holder, "
                              "due_at::text AS due_at, failures FROM spotlist_data.steps"):
            self.wrong(row.pop("video"), f"a step is left: {row}")
        known = set(self.videos)
        for owner, names in self.items_of.items():
            if owner not in known and names:
                self.wrong(owner, f"DynamoDB items of no video: {sorted(names)[:5]}")
        for owner, keys in self.objects_of.items():
            if owner not in known and owner != "torture" and keys:
                self.wrong(owner, f"objects of no video: {sorted(keys)[:5]}")
        for (service, owner, mark), jobs in self.jobs.items():
            ours = owner in known or any(one.video_id == owner for one in self.submissions)
            if not ours:
                self.wrong(owner, f"{service} job {mark} of no video: {jobs}")

    def rebuild_agrees(self):
        done = self.world.command("rebuild", "--check", check=False)
        if done.returncode != 0:
            told = done.stdout + "".join(line for line in done.stderr.splitlines(keepends=True)
                                         if "level=info" not in line)
            self.wrong(None, f"spotlist rebuild --check says {done.returncode}: {told[-3000:]}")


def job_of(job):
    """(service, video id, mark after it) of an entry of localcloud's journal."""
    if job["service"] == "mediaconvert":
        mark = job.get("mark") or ""
        return "mediaconvert", mark[:36], mark[36:]
    return job["service"], (job.get("key") or "").split("/")[1], ""


def running(job):
    return job["state"].upper() in ("SUBMITTED", "PROGRESSING", "IN_PROGRESS", "QUEUED")


def difference(found, wanted):
    """Where two values differ, in few words."""
    if isinstance(found, list) and isinstance(wanted, list):
        if len(found) != len(wanted):
            return f"{len(found)} of them, not {len(wanted)}: {short(found)}, not {short(wanted)}"
        for number, (one, two) in enumerate(zip(found, wanted)):
            if one != two:
                return f"at {number}: {difference(one, two)}"
    if isinstance(found, dict) and isinstance(wanted, dict):
        for key in sorted(set(found) | set(wanted), key=str):
            if found.get(key) != wanted.get(key):
                return f"at {key}: {difference(found.get(key), wanted.get(key))}"
    if isinstance(found, set) and isinstance(wanted, set):
        return f"missing {short(sorted(wanted - found))}, too many {short(sorted(found - wanted))}"
    return f"{short(found)}, not {short(wanted)}"


def short(value):
    text = repr(value)
    return text if len(text) <= 300 else text[:297] + "…"
