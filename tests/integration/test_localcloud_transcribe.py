# SPDX-License-Identifier: Apache-2.0
"""localcloud's Transcribe, driven by boto3: every operation, recorded speech, restarts."""

import json
import subprocess
import uuid

import pytest
from botocore.exceptions import ClientError

from harness import wait_until

BUCKET = "speech"
NOT_FOUND = "The requested job couldn't be found. Check the job name and try your request again."


@pytest.fixture(scope="module")
def s3(cloud, sample):
    client = cloud.client("s3")
    client.create_bucket(Bucket=BUCKET)
    client.upload_file(str(sample.speech), BUCKET, "in/speech.mp4")
    return client


@pytest.fixture(scope="module")
def transcribe(cloud):
    return cloud.client("transcribe")


def start(transcribe, key="in/speech.mp4", name=None, **more):
    name = name or f"job-{uuid.uuid4().hex}"
    request = {"TranscriptionJobName": name, "Media": {"MediaFileUri": f"s3://{BUCKET}/{key}"},
               "LanguageCode": "en-US", "OutputBucketName": BUCKET, "OutputKey": f"out/{name}.json"}
    request.update(more)
    return transcribe.start_transcription_job(
        **{key: value for key, value in request.items() if value is not None})["TranscriptionJob"]


def finish(transcribe, name, timeout=120):
    def look():
        job = transcribe.get_transcription_job(TranscriptionJobName=name)["TranscriptionJob"]
        return job if job["TranscriptionJobStatus"] in ("COMPLETED", "FAILED") else None
    return wait_until(look, timeout, what=f"the end of {name}")


def run(transcribe, *arguments, **options):
    return finish(transcribe, start(transcribe, *arguments, **options)["TranscriptionJobName"])


def refused(call, *arguments, **options):
    with pytest.raises(ClientError) as caught:
        call(*arguments, **options)
    return caught.value.response["Error"]


def read(s3, key):
    return json.loads(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())


def test_recorded_speech_is_recognised(s3, transcribe):
    started = start(transcribe, name="go-forward", MediaFormat="mp4")
    assert started["TranscriptionJobStatus"] == "IN_PROGRESS"
    done = finish(transcribe, "go-forward")
    assert done["TranscriptionJobStatus"] == "COMPLETED", done
    assert done["LanguageCode"] == "en-US" and done["MediaFormat"] == "mp4"
    assert done["Transcript"]["TranscriptFileUri"].endswith(f"/{BUCKET}/out/go-forward.json")
    assert done["CompletionTime"] >= done["StartTime"]

    transcript = read(s3, "out/go-forward.json")
    assert transcript["jobName"] == "go-forward" and transcript["status"] == "COMPLETED"
    assert transcript["accountId"] == "000000000000"
    results = transcript["results"]
    assert results["transcripts"][0]["transcript"] == "go forward ten meters"
    times = [(float(item["start_time"]), float(item["end_time"])) for item in results["items"]]
    assert all(a < b for a, b in times) and times == sorted(times)
    assert 0 <= times[0][0] < 1.2 and times[-1][1] < 3
    for item in results["items"]:
        assert item["type"] == "pronunciation" and isinstance(item["start_time"], str)
        assert 0 <= float(item["alternatives"][0]["confidence"]) <= 1
    assert results["audio_segments"][0]["items"] == [0, 1, 2, 3]
    assert results["audio_segments"][0]["transcript"] == "go forward ten meters"


def test_word_times_are_of_the_file(s3, transcribe, sample, tmp_path):
    path = tmp_path / "late.wav"
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", str(sample.speech), "-vn", "-af",
                    "adelay=7000:all=1,apad=pad_dur=3", str(path)], check=True)
    s3.upload_file(str(path), BUCKET, "in/late.wav")
    done = run(transcribe, "in/late.wav", name="late")
    assert done["TranscriptionJobStatus"] == "COMPLETED" and done["MediaFormat"] == "wav"
    words = {item["alternatives"][0]["content"]: float(item["start_time"])
             for item in read(s3, "out/late.json")["results"]["items"]}
    early = {item["alternatives"][0]["content"]: float(item["start_time"])
             for item in read(s3, "out/go-forward.json")["results"]["items"]}
    assert words["forward"] == pytest.approx(early["forward"] + 7, abs=0.1)


def test_speaker_labels_name_one_speaker(s3, transcribe):
    run(transcribe, name="speakers", Settings={"ShowSpeakerLabels": True, "MaxSpeakerLabels": 2})
    results = read(s3, "out/speakers.json")["results"]
    assert {item["speaker_label"] for item in results["items"]} == {"spk_0"}
    assert results["speaker_labels"]["speakers"] == 1


@pytest.mark.parametrize("given,stored", [
    (None, "{name}.json"), ("folder", "folder/{name}.json"), ("folder/", "folder/{name}.json"),
    ("a/b.json", "a/b.json")])
def test_where_the_transcript_goes(s3, transcribe, given, stored):
    name = f"key-{uuid.uuid4().hex}"
    run(transcribe, name=name, OutputKey=given)
    assert read(s3, stored.format(name=name))["jobName"] == name


def test_language_identification_knows_english(s3, transcribe):
    done = run(transcribe, LanguageCode=None, IdentifyLanguage=True)
    assert (done["TranscriptionJobStatus"], done["LanguageCode"]) == ("COMPLETED", "en-US")
    done = run(transcribe, LanguageCode=None, IdentifyLanguage=True,
               LanguageOptions=["ko-KR", "de-DE"])
    assert done["TranscriptionJobStatus"] == "FAILED"


def test_silence_has_no_words(s3, transcribe, sample):
    s3.upload_file(str(sample.short), BUCKET, "in/tone.mp4")
    done = run(transcribe, "in/tone.mp4", name="tone")
    assert done["TranscriptionJobStatus"] == "COMPLETED"
    assert len(read(s3, "out/tone.json")["results"]["items"]) <= 1


def test_what_cannot_be_transcribed_fails_and_says_why(s3, transcribe, sample, tmp_path):
    assert "English only" in run(transcribe, LanguageCode="ko-KR")["FailureReason"]
    s3.upload_file(str(sample.no_audio), BUCKET, "in/silent.mp4")
    assert "no audio track" in run(transcribe, "in/silent.mp4")["FailureReason"]
    s3.upload_file(str(sample.not_a_video), BUCKET, "in/text.mp4")
    assert run(transcribe, "in/text.mp4")["FailureReason"] == "Unsupported media format."
    assert run(transcribe, MediaFormat="wav")["FailureReason"] == (
        "The media format provided does not match the detected media format.")
    short = tmp_path / "short.wav"
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "sine=440", "-t", "0.3",
                    str(short)], check=True)
    s3.upload_file(str(short), BUCKET, "in/short.wav")
    assert "500 milliseconds" in run(transcribe, "in/short.wav")["FailureReason"]


def test_bad_requests_are_refused(s3, transcribe):
    def code_and_words(**more):
        error = refused(start, transcribe, **more)
        assert error["Code"] == "BadRequestException"
        return error["Message"]
    assert code_and_words(LanguageCode=None) == (
        "The language code is missing. Either add a language code or turn on language "
        "identification.")
    assert "'languageCode'" in code_and_words(LanguageCode="xx-XX")
    assert "'transcriptionJobName'" in code_and_words(name="no spaces")
    assert "'outputKey'" in code_and_words(OutputKey="no spaces.json")
    assert "'mediaFormat'" in code_and_words(MediaFormat="exe")
    assert "can't be accessed" in code_and_words(key="in/nothing.mp4")
    assert "doesn't exist" in code_and_words(OutputBucketName="no-such-bucket")


def test_a_name_is_used_once(s3, transcribe):
    start(transcribe, name="once")
    error = refused(start, transcribe, name="once")
    assert error["Code"] == "ConflictException"
    finish(transcribe, "once")
    transcribe.delete_transcription_job(TranscriptionJobName="once")
    for call in (transcribe.get_transcription_job, transcribe.delete_transcription_job):
        error = refused(call, TranscriptionJobName="once")
        assert (error["Code"], error["Message"]) == ("BadRequestException", NOT_FOUND)
    finish(transcribe, start(transcribe, name="once")["TranscriptionJobName"])


def test_jobs_are_listed_page_by_page(s3, transcribe):
    names = [f"listed-{i}" for i in range(3)]
    for name in names:
        finish(transcribe, start(transcribe, name=name, LanguageCode="fr-FR")["TranscriptionJobName"])
    seen, token = [], None
    while True:
        page = transcribe.list_transcription_jobs(
            Status="FAILED", JobNameContains="listed-", MaxResults=2,
            **({"NextToken": token} if token else {}))
        seen += [job["TranscriptionJobName"] for job in page["TranscriptionJobSummaries"]]
        assert all(job["OutputLocationType"] == "CUSTOMER_BUCKET"
                   for job in page["TranscriptionJobSummaries"])
        token = page.get("NextToken")
        if not token:
            break
    assert seen == names[::-1]


def test_a_restart_resumes_jobs(make_cloud, sample):
    cloud = make_cloud()
    s3, transcribe = cloud.client("s3"), cloud.client("transcribe")
    s3.create_bucket(Bucket=BUCKET)
    s3.upload_file(str(sample.speech), BUCKET, "in/speech.mp4")
    names = [start(transcribe)["TranscriptionJobName"] for _ in range(3)]
    cloud.restart()
    transcribe = cloud.client("transcribe")
    for name in names:
        assert finish(transcribe, name)["TranscriptionJobStatus"] == "COMPLETED"
