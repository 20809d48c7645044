#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the sample video of ./run demo, and the gallery picture that goes with it.

    make_sample.py OUT.mp4 GALLERY_DIR

Twenty seconds, 640x480, H.264 and AAC, of what Debian packages hold: the photograph of astronaut
Eileen Collins and a cat (python3-skimage), pedestrians in a street (opencv-doc's vtest.avi), and a
narration (espeak-ng) in words that pocketsphinx recognises. GALLERY_DIR gets "Eileen Collins.png".
"""

import gzip
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import skimage.data

RATE = 15  # frames a second
STREET_FROM = 44  # seconds into vtest.avi: several people, well apart
# Seconds into the sample, and what is said there.
NARRATION = [
    (0.8, "This woman is an astronaut."),
    (7.6, "People are walking along the street."),
    (14.6, "The cat looks at the camera."),
]


def ffmpeg(*arguments):
    subprocess.run(["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", "-y",
                    *map(str, arguments)], check=True)


def find_street():
    """opencv-doc's footage, which some releases compress."""
    for root in ("/usr/share/doc/opencv-doc", "/usr/share/opencv4"):
        for name in ("vtest.avi", "vtest.avi.gz"):
            found = sorted(Path(root).rglob(name))
            if found:
                return found[0]
    sys.exit("make_sample.py: no vtest.avi; install the Debian package opencv-doc")


def save_picture(pixels, path):
    """Through ffmpeg: no imaging library needed."""
    height, width, _ = pixels.shape
    subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt",
                    "rgb24", "-s", f"{width}x{height}", "-i", "pipe:0", "-frames:v", "1",
                    "-update", "1", str(path)], input=pixels.tobytes(), check=True)


def encode_part(target, source, seconds, filters, *input_options):
    ffmpeg(*input_options, "-i", source, "-t", seconds, "-an", "-vf",
           f"{filters},setsar=1,fps={RATE},format=yuv420p", "-c:v", "libx264", "-preset", "veryfast",
           "-crf", "17", target)


def make_parts(tmp):
    """The three scenes, in order."""
    portrait, cat = tmp / "portrait.png", tmp / "cat.png"
    save_picture(skimage.data.astronaut(), portrait)
    save_picture(skimage.data.chelsea(), cat)
    street = find_street()
    if street.suffix == ".gz":
        unpacked = tmp / "vtest.avi"
        with gzip.open(street) as packed, open(unpacked, "wb") as plain:
            shutil.copyfileobj(packed, plain)
        street = unpacked

    # A slow zoom: from twice the size, so that it moves smoothly.
    encode_part(tmp / "0.mp4", portrait, 7,
                "scale=1280:1280,crop=1280:960:0:0,"
                f"zoompan=z='1+0.2*on/{7 * RATE}':x='iw/2-iw/zoom/2-20':y=0:d=1:s=640x480:fps={RATE}",
                "-loop", 1, "-framerate", RATE)
    encode_part(tmp / "1.mp4", street, 7, "scale=640:480", "-ss", STREET_FROM)
    encode_part(tmp / "2.mp4", cat, 6,
                "scale=1280:-2,pad=1280:960:0:(oh-ih)/2,fillborders=0:0:54:54:smear,"
                f"zoompan=z='1+0.04*on/{6 * RATE}':x='iw/2-iw/zoom/2':y='ih/2-ih/zoom/2':d=1"
                f":s=640x480:fps={RATE}",
                "-loop", 1, "-framerate", RATE)
    return [tmp / f"{i}.mp4" for i in range(3)]


def make_narration(tmp):
    inputs, delays = [], []
    for i, (at, text) in enumerate(NARRATION):
        said = tmp / f"{i}.wav"
        subprocess.run(["espeak-ng", "-v", "en-us+f2", "-s", "140", "-g", "2", "-w", str(said), text],
                       check=True)
        inputs += ["-i", said]
        delays.append(f"[{i}]adelay={int(at * 1000)}:all=1[a{i}]")
    labels = "".join(f"[a{i}]" for i in range(len(NARRATION)))
    ffmpeg(*inputs, "-filter_complex",
           f"{';'.join(delays)};{labels}amix=inputs={len(NARRATION)}:normalize=0,apad",
           "-t", 20, "-ar", 48000, "-ac", 2, tmp / "narration.wav")
    return tmp / "narration.wav"


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    out, gallery = Path(sys.argv[1]), Path(sys.argv[2])
    gallery.mkdir(parents=True, exist_ok=True)
    save_picture(skimage.data.astronaut()[0:300, 90:360].copy(), gallery / "Eileen Collins.png")
    with tempfile.TemporaryDirectory() as name:
        tmp = Path(name)
        parts = make_parts(tmp)
        narration = make_narration(tmp)
        inputs = [argument for part in parts for argument in ("-i", part)]
        streams = "".join(f"[{i}:v]" for i in range(len(parts)))
        ffmpeg(*inputs, "-i", narration, "-filter_complex",
               f"{streams}concat=n={len(parts)}:v=1:a=0[v]", "-map", "[v]", "-map", f"{len(parts)}:a",
               "-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-pix_fmt", "yuv420p",
               "-c:a", "aac", "-b:a", "128k", "-t", 20, "-movflags", "+faststart", "-f", "mp4", out)


if __name__ == "__main__":
    main()
