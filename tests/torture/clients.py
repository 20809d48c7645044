# SPDX-License-Identifier: Apache-2.0
"""Submitters: several threads that submit, upload, cancel, delete and read, as patient clients do:
what was not answered, or answered 429 or 503, is asked again with the same Idempotency-Key.
"""

import http.client
import json
import random
import threading
import urllib.parse

import botocore.exceptions

from harness import BUCKET, CONTRACT, Reply, exchange

from shapes import ALL

CUSTOMERS = ["acme"] * 6 + ["bolt"] * 3 + ["coda"]  # fairness: one has most of the videos
LOST = (OSError, http.client.HTTPException)


class Submission:
    """What a client wants, decided beforehand, and what it was told."""

    def __init__(self, number, rng, shapes, receiver):
        self.number = number
        kinds, weights = zip(*shapes)
        self.shape = rng.choices(kinds, weights)[0]
        self.how = rng.choices(["object", "upload", "event"], [80, 13, 7])[0]
        self.analyses = list(ALL) if self.how == "event" or rng.random() < 0.6 else sorted(
            rng.sample(ALL, rng.randint(1, 3)))
        self.tag = rng.choice(CUSTOMERS)
        self.title = f"torture {number}"
        self.fate = None if self.how == "event" else rng.choices(
            [None, "cancel", "delete"], [84, 8, 8])[0]
        self.fate_after = rng.uniform(0, 4)
        self.callback = None
        if self.how != "event" and rng.random() < 0.4:
            self.callback = f"{receiver.url}/{number}"
        self.key = f"footage/{self.shape.name}.mp4"
        if self.how == "event":
            self.key = f"uploads/torture/{number}.mp4"
        self.video_id = None
        self.ended = None  # what became of `fate`: the status of the answer

    def body(self):
        if self.how == "upload":
            body = {"source": "upload", "filename": f"torture-{self.number}.mp4"}
        else:
            body = {"source": f"s3://{BUCKET}/{self.key}"}
        body |= {"title": self.title, "tags": [self.tag], "analyses": self.analyses}
        if self.callback:
            body["callback"] = {"url": self.callback}
        return body


class Client:
    """One thread and its submissions, `pause_s` apart on average."""

    def __init__(self, name, world, seed, submissions, pause_s, give_up):
        self.name = name
        self.world = world
        self.rng = random.Random(f"{seed}/{name}")
        self.submissions = submissions
        self.pause_s = pause_s
        self.give_up = give_up  # set when the time is over: whatever is not accepted never was
        self.problems = []
        self.asked_again = 0
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        for submission in self.submissions:
            try:
                self.do(submission)
            except Exception as error:  # a thread must not end in silence
                self.problems.append(f"{self.name}: {submission.title}: {error!r}")
            if self.give_up.wait(self.rng.uniform(0, 2 * self.pause_s)):
                return

    def do(self, submission):
        if submission.how == "event":
            self.put(submission)
            return
        reply = self.ask("POST", "/videos", submission.body(), {
            "Content-Type": "application/json",
            "Idempotency-Key": f"torture-{submission.number}"}, good={202})
        if reply is None:
            return
        video = reply.json
        submission.video_id = video["id"]
        if submission.how == "upload":
            self.upload(submission, video["upload"])
        if submission.fate:
            self.give_up.wait(submission.fate_after)
            self.end(submission)
        elif self.rng.random() < 0.3:
            self.ask("GET", f"/videos/{video['id']}", good={200})
            self.ask("GET", f"/videos/{video['id']}/metadata", good={200})

    def end(self, submission):
        """Cancels or deletes; that the video was settled, or is gone already, is fine."""
        target = f"/videos/{submission.video_id}"
        if submission.fate == "cancel":
            reply = self.ask("POST", f"{target}/cancel", good={202, 409})
        else:
            reply = self.ask("DELETE", target, good={202, 404})
        submission.ended = reply.status if reply else None

    def ask(self, method, target, value=None, headers=None, good=()):
        """The answer, however often it takes; None when time is over."""
        body = json.dumps(value).encode() if value is not None else None
        while True:
            try:
                reply = exchange(self.world.forwarder.url, method, target, body, headers or {},
                                 timeout=8)
            except LOST:
                reply = None
            if reply is not None:
                self.check(method, target, reply)
                if reply.status in good:
                    return reply
                if reply.status not in (409, 429, 503):
                    self.problems.append(f"{self.name}: {method} {target}: {reply}")
                    return None
            self.asked_again += 1
            wait_s = min(2, float(reply.headers.get("Retry-After", 0))) if reply else 0
            if self.give_up.wait(wait_s + self.rng.uniform(0.05, 0.6)):
                return None

    def check(self, method, target, reply: Reply):
        for problem in CONTRACT.check(method, target, reply.status, reply.headers, reply.body):
            self.problems.append(f"{self.name}: {method} {target}: {problem}")

    def put(self, submission):
        """Stores the object; S3 tells spotlist."""
        while not put_object(self.world, submission):
            self.asked_again += 1
            if self.give_up.wait(self.rng.uniform(0.05, 0.6)):
                return

    def upload(self, submission, upload):
        """A presigned PUT, again until it is answered."""
        url = urllib.parse.urlsplit(upload["url"])
        target = f"{url.path}?{url.query}"
        while True:
            try:
                reply = exchange(f"http://{url.netloc}", "PUT", target, submission.shape.source(),
                                 upload["headers"], timeout=8)
                if reply.status == 200:
                    return
            except LOST:
                pass
            self.asked_again += 1
            if self.give_up.wait(self.rng.uniform(0.05, 0.6)):
                return


def put_object(world, submission):
    try:
        world.cloud.client("s3").put_object(Bucket=BUCKET, Key=submission.key,
                                            Body=submission.shape.source())
        return True
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
        return False
