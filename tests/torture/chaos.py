# SPDX-License-Identifier: Apache-2.0
"""What goes wrong: faults of the cloud, and programs that end. All of it follows from the seed."""

import collections
import random
import signal
import threading
import time

from world import SETTINGS

# Where an answer of nonsense must be noticed: calls whose answer is read.
READ = [("mediaconvert", "CreateJob"), ("mediaconvert", "GetJob"), ("mediaconvert", "ListJobs"),
        ("rekognition", "RecognizeCelebrities"), ("rekognition", "StartLabelDetection"),
        ("rekognition", "GetLabelDetection"), ("transcribe", "StartTranscriptionJob"),
        ("transcribe", "GetTranscriptionJob"), ("s3", "ListObjectsV2")]
# A HEAD has no body that could tell an expired token from a forbidden object.
SIGNED = READ + [("s3", "GetObject"), ("dynamodb", "PutItem"), ("dynamodb", "BatchWriteItem")]
STARTS = [("mediaconvert", "CreateJob"), ("rekognition", "StartLabelDetection"),
          ("transcribe", "StartTranscriptionJob")]


def everywhere(kind, probability, **more):
    return [{"service": "*", "operation": "*", "kind": kind, "probability": probability, **more}]


def at(places, kind, probability, **more):
    return [{"service": service, "operation": operation, "kind": kind, "probability": probability,
             **more} for service, operation in places]


def news(*kinds, probability=0.5, **more):
    return [{"topic": "*", "kind": kind, "probability": probability, **more} for kind in kinds]


FAULTS = {  # name: (rules, notifications)
    "throttled": (everywhere("throttle", 0.2), []),
    "broken": (everywhere("server_error", 0.15), []),
    "slow": (everywhere("slow", 0.1, delay_ms=1500), []),
    "cut": (everywhere("cut_before", 0.08) + everywhere("cut_after", 0.12), []),
    "answers lost": (at(STARTS, "cut_after", 0.7), []),
    "nonsense": (at(READ, "garbage", 0.06), []),
    "expired": (at(SIGNED, "expired_token", 0.1), []),
    "pages": (at([("rekognition", "GetLabelDetection")], "page_twice", 0.1, count=3)
              + at([("rekognition", "GetLabelDetection")], "token_expired", 0.1, count=3)
              + at([("rekognition", "GetLabelDetection")], "token_empty", 0.3), []),
    "crowded": (at(STARTS, "limit", 0.2, count=1), []),
    "dropped": ([], news("drop")),
    "all dropped": ([], news("drop", probability=1)),
    "doubled": ([], news("duplicate")),
    "late": ([], news("delay", delay_ms=1500) + news("reorder")),
    "forged": ([], news("forge", "corrupt", probability=0.4)),
    "everything": (everywhere("throttle", 0.05) + everywhere("server_error", 0.05)
                   + everywhere("cut_after", 0.05) + everywhere("cut_before", 0.03)
                   + everywhere("slow", 0.05, delay_ms=700),
                   news("drop", "duplicate", "delay", "forge", "corrupt", probability=0.2,
                        delay_ms=600)),
}
# "Too many jobs" waits for half a minute and more: not for a short run.
LONG_ONLY = {"crowded"}

LEASE_S = int(SETTINGS["SPOTLIST_LEASE_MS"]) / 1000


class Chaos(threading.Thread):
    """Does one thing after another until stopped; then everything runs and no fault is left."""

    def __init__(self, world, seed, short=False):
        super().__init__(daemon=True)
        self.world = world
        self.rng = random.Random(f"{seed}/chaos")
        self.short = short
        self.done = threading.Event()
        self.counts = collections.Counter()
        self.fired = collections.Counter()  # by kind
        self.problems = []
        self.history = []  # (seconds since the start, what)
        self.began = time.monotonic()
        self.timers = []

    def note(self, what):
        self.history.append((round(time.monotonic() - self.began, 2), what))

    def run(self):
        actions = {
            self.kill: 8, self.terminate: 3, self.pause: 4, self.restart_postgres: 2,
            self.restart_cloud: 2, self.switch_faults: 9, self.clear_faults: 2}
        try:
            while not self.done.wait(self.rng.uniform(0.1, 0.6 if self.short else 1.2)):
                (action,) = self.rng.choices(list(actions), list(actions.values()))
                action()
        except Exception as error:
            self.problems.append(f"the driver: {error!r}")

    def stop(self):
        self.done.set()
        self.join()
        for timer in self.timers:
            timer.join()
        self.clear_faults()

    # --- programs ---------------------------------------------------------------------------

    def kill(self):
        service = self.rng.choice(self.world.services)
        down_s = self.rng.choice([0, 0, self.rng.uniform(0, 2 * LEASE_S)])
        if service.send(signal.SIGKILL, down_s):
            self.counts["kills"] += 1
            self.note(f"SIGKILL {service.name}, down {down_s:.1f} s")

    def terminate(self):
        service = self.rng.choice(self.world.services)
        down_s = self.rng.uniform(0, LEASE_S)
        if service.send(signal.SIGTERM, down_s):
            self.counts["terminations"] += 1
            self.note(f"SIGTERM {service.name}, down {down_s:.1f} s")

    def pause(self):
        """Longer than the lease: others take over, and then it comes back."""
        service = self.rng.choice(self.world.services)
        for_s = self.rng.uniform(1.1, 2.0) * LEASE_S
        if service.send(signal.SIGSTOP):
            self.counts["pauses"] += 1
            self.note(f"SIGSTOP {service.name} for {for_s:.1f} s")
            timer = threading.Timer(for_s, service.send, [signal.SIGCONT])
            timer.start()
            self.timers.append(timer)

    def restart_postgres(self):
        mode = self.rng.choice(["fast", "immediate"])
        self.note(f"PostgreSQL restarts, {mode}")
        self.world.cluster.restart(mode)
        self.counts["postgres"] += 1

    def restart_cloud(self):
        how = self.rng.choice([signal.SIGKILL, signal.SIGTERM])
        self.note(f"localcloud ends by {how.name} and comes back")
        self.count_fired()
        self.world.cloud.restart(how)
        self.counts["cloud"] += 1
        self.set_faults(self.faults)

    # --- faults -----------------------------------------------------------------------------

    faults = None

    def switch_faults(self):
        names = [name for name in FAULTS if not (self.short and name in LONG_ONLY)]
        name = self.rng.choice(names)
        self.note(f"faults: {name}")
        self.count_fired()
        self.set_faults(name)

    def clear_faults(self):
        self.note("no faults")
        self.count_fired()
        self.set_faults(None)

    def set_faults(self, name):
        rules, notifications = FAULTS[name] if name else ([], [])
        self.faults = name
        self.world.cloud.faults(rules, notifications, self.rng.randrange(2**31))

    def count_fired(self):
        told = self.world.cloud.faults()
        for rule in told["rules"]:
            self.fired[rule["kind"]] += rule["fired"]
            self.counts["faults"] += rule["fired"]
        for rule in told["notifications"]:
            self.fired[f"{rule['kind']} (message)"] += rule["fired"]
            self.counts["messages"] += rule["fired"]
