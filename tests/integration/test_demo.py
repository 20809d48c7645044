# SPDX-License-Identifier: Apache-2.0
"""./run demo, as it is typed."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from harness import BUILD, ROOT, wait_until

if BUILD != ROOT / "build":
    pytest.skip("./run demo uses build/", allow_module_level=True)


def demo(tmp_path, *arguments, **options):
    """Runs it somewhere else than in the repository, as one may."""
    errors = open(tmp_path / "stderr", "wb")
    # A shell's background job has SIGINT ignored, and so would have all that we start.
    command = ["env", "--default-signal=INT", str(ROOT / "run"), "demo", *map(str, arguments)]
    return subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=errors, text=True, **options)


def told(tmp_path):
    return (tmp_path / "stderr").read_text()


def directory(tmp_path):
    """Where it works, as it says itself."""
    word = "spotlist in "
    return Path(told(tmp_path).split(word)[1].split()[0]) if word in told(tmp_path) else None


def test_a_file_and_a_gallery(tmp_path, sample):
    (tmp_path / "my clip #1.mp4").write_bytes(sample.speech.read_bytes())
    run = demo(tmp_path, "--gallery", sample.gallery, "my clip #1.mp4")
    out, _ = run.communicate(timeout=300)
    assert run.returncode == 0, told(tmp_path)
    document = json.loads(out)
    assert (document["state"], document["title"]) == ("complete", "my clip #1.mp4")
    assert "forward" in document["transcript"]["text"].lower()
    assert "all results are stored" in told(tmp_path)
    assert not directory(tmp_path).exists()


def test_a_file_that_is_no_video_fails_and_says_why(tmp_path, sample):
    run = demo(tmp_path, sample.not_a_video)
    out, _ = run.communicate(timeout=300)
    assert run.returncode != 0
    assert json.loads(out)["state"] == "failed"
    assert "transcode_failed" in told(tmp_path) and "spotlist.log" in told(tmp_path)
    assert not directory(tmp_path).exists()


@pytest.mark.parametrize("arguments", [["nothing-here.mp4"], ["--gallery", "nowhere", "x"],
                                       ["--wrong"], ["a", "b"], ["--gallery"]])
def test_a_wrong_command_line_starts_nothing(tmp_path, arguments):
    run = demo(tmp_path, *arguments)
    out, _ = run.communicate(timeout=60)
    assert run.returncode != 0 and out == ""
    assert directory(tmp_path) is None and told(tmp_path).startswith("run: ")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_leaves_nothing_behind(tmp_path, sample, how):
    run = demo(tmp_path, sample.speech, start_new_session=True)
    wait_until(lambda: "uploading" in told(tmp_path), 120, lambda: told(tmp_path))
    where = directory(tmp_path)
    assert processes(where)
    # As a terminal does, to the whole group; a kill goes to the script alone.
    os.killpg(run.pid, how) if how == signal.SIGINT else run.send_signal(how)
    run.communicate(timeout=60)
    assert run.returncode == 128 + how, told(tmp_path)
    assert not where.exists() and processes(where) == []


def processes(where):
    """Running programs that were told of this directory."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(where) in path.read_bytes().decode(errors="replace"):
                found.append(path.parent.name)
        except OSError:
            pass  # it has ended meanwhile
    return found
