# SPDX-License-Identifier: Apache-2.0
"""Media files for the tests, made by ffmpeg once per build directory and then kept."""

import fcntl
import os
import subprocess
from pathlib import Path

from harness import CLOUD_BUILD, ROOT

H264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]
AAC = ["-c:a", "aac", "-b:a", "96k"]
# Little to look at, so that a test about something else does not wait for the recognisers.
PLAIN = "color=c=0x406080:s=320x240:r=10"


def ffmpeg(target, *arguments):
    subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-y",
                    *map(str, arguments), str(target)], check=True)


class Media:
    """Each property is a path; the file is made when it is first asked for."""

    def __init__(self):
        self.dir = CLOUD_BUILD / "test-media"
        self.dir.mkdir(parents=True, exist_ok=True)

    def make(self, name, recipe):
        """recipe(temporary path) runs in one process at a time, and once."""
        path = self.dir / name
        with open(self.dir / f".{name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                temporary = self.dir / f"tmp-{name}"
                recipe(temporary)
                os.rename(temporary, path)
        return path

    @property
    def demo(self):
        """The sample of ./run demo: a named face, pedestrians, a cat, narration; about 20 s."""
        def recipe(path):
            script = ROOT / "localcloud/sample/make_sample.py"
            subprocess.run(["/usr/bin/python3", str(script), str(path), str(self.dir / "gallery")],
                           check=True, stdout=subprocess.DEVNULL)
        return self.make("demo.mp4", recipe)

    @property
    def gallery(self):
        """The named faces that go with it."""
        self.demo.stat()
        return self.dir / "gallery"

    @property
    def speech(self):
        """A second or two of a recorded voice: "go forward ten meters"."""
        voice = "/usr/share/pocketsphinx/test/data/goforward.raw"
        return self.make("speech.mp4", lambda path: ffmpeg(
            path, "-f", "s16le", "-ar", 16000, "-ac", 1, "-i", voice, "-f", "lavfi", "-i", PLAIN,
            *H264, *AAC, "-shortest"))

    @property
    def short(self):
        """Three seconds of a plain colour with a tone: nothing to be found in it."""
        return self.make("short.mp4", lambda path: ffmpeg(
            path, "-f", "lavfi", "-i", PLAIN, "-f", "lavfi", "-i", "sine=frequency=440",
            "-t", 3, *H264, *AAC, "-movflags", "+faststart"))

    @property
    def empty(self):
        """Ten seconds of an empty, slowly changing, grainy scene without people."""
        return self.make("empty.mp4", lambda path: ffmpeg(
            path, "-f", "lavfi", "-i", "gradients=s=640x360:r=10:speed=0.01:c0=0x6090c0:c1=0x305030,"
            "noise=alls=12:allf=t", "-t", 10, *H264))

    @property
    def no_audio(self):
        """Three seconds of video without an audio track."""
        return self.make("no-audio.mp4", lambda path: ffmpeg(
            path, "-f", "lavfi", "-i", PLAIN, "-t", 3, *H264))

    @property
    def audio_only(self):
        """Sound without a picture."""
        return self.make("audio-only.m4a", lambda path: ffmpeg(
            path, "-f", "lavfi", "-i", "sine=frequency=440", "-t", 3, *AAC, "-f", "mp4"))

    @property
    def truncated(self):
        """An MP4 whose index, at its end, was cut off."""
        def recipe(path):
            whole = path.with_suffix(".whole.mp4")
            ffmpeg(whole, "-f", "lavfi", "-i", "testsrc2=s=320x240:r=10", "-t", 5, *H264)
            path.write_bytes(whole.read_bytes()[:whole.stat().st_size * 2 // 3])
            whole.unlink()
        return self.make("truncated.mp4", recipe)

    @property
    def not_a_video(self):
        """Text that calls itself a video."""
        return self.make("not-a-video.mp4", lambda path: path.write_text(
            "This is not a video, whatever its name says.\n" * 200))

    @property
    def cut_off(self):
        """An MP4 that begins as it should (index first) and then just ends."""
        def recipe(path):
            whole = path.with_suffix(".whole.mp4")
            ffmpeg(whole, "-f", "lavfi", "-i", "testsrc2=s=320x240:r=10", "-t", 5, *H264,
                   "-movflags", "+faststart")
            path.write_bytes(whole.read_bytes()[:whole.stat().st_size // 2])
            whole.unlink()
        return self.make("cut-off.mp4", recipe)
