# SPDX-License-Identifier: Apache-2.0
"""The events that reach spotlist, as AWS documents and as it was recorded to send them.

A shape is a type, a list with the shape of its elements, MAP (text by text), or an object: names
and shapes, those of optional members ending in "?". Nothing else may be in an object.
"""

import json

NUMBER = (int, float)
MAP = "map"

EVENT = {"version": str, "id": str, "detail-type": str, "source": str, "account": str, "time": str,
         "region": str, "resources": [str]}
AUDIO = {"channels": int, "codec": str, "language": str, "sampleRate": int, "streamId": int}
VIDEO = {"bitDepth": int, "codec": str, "colorFormat": str, "fourCC": str, "frameRate": NUMBER,
         "height": int, "interlaceMode": str, "sar": str, "standard": str, "streamId": int,
         "width": int}
PHASE = {"status": str, "percentComplete?": int}
# The scores of QVBR are named in two ways by AWS's own examples.
VIDEO_DETAILS = {"widthInPx": int, "heightInPx": int, **{f"{name}?": NUMBER for name in (
    "averageQVBRScore", "minimumQVBRScore", "maximumQVBRScore", "minimumQVBRScoreLocationInMs",
    "maximumQVBRScoreLocationInMs", "qvbrAvgQuality", "qvbrMinQuality", "qvbrMaxQuality",
    "qvbrMinQualityLocation", "qvbrMaxQualityLocation")}}
# Recorded: a frame capture's output without outputFilePaths. Of audio alone there is no video.
OUTPUT = {"outputFilePaths?": [str], "durationInMs": int, "videoDetails?": VIDEO_DETAILS,
          "blackVideoDurationInMs?": int}


def _mediaconvert(**detail):
    return {**EVENT, "detail": {"timestamp": int, "accountId": str, "queue": str, "jobId": str,
                                "status": str, "userMetadata": MAP, **detail}}


REKOGNITION = {"JobId": str, "Status": str, "API": str, "JobTag?": str, "Timestamp": int,
               "Video": {"S3ObjectName": str, "S3Bucket": str},
               "Message?": str}  # in one example of the documentation, never recorded
RECORD = {"eventVersion": str, "eventSource": str, "awsRegion": str, "eventTime": str,
          "eventName": str, "userIdentity": {"principalId": str},
          "requestParameters": {"sourceIPAddress": str},
          "responseElements": {"x-amz-request-id": str, "x-amz-id-2": str},
          "s3": {"s3SchemaVersion": str, "configurationId": str,
                 "bucket": {"name": str, "ownerIdentity": {"principalId": str}, "arn": str},
                 "object": {"key": str, "size": int, "eTag": str, "versionId?": str,
                            "sequencer": str}}}

SHAPES = {
    "mediaconvert INPUT_INFORMATION": _mediaconvert(inputDetails=[
        {"id": int, "uri": str, "audio?": [AUDIO], "video?": [VIDEO]}]),
    "mediaconvert PROGRESSING": _mediaconvert(),
    "mediaconvert STATUS_UPDATE": _mediaconvert(framesDecoded=int, jobProgress={
        "phaseProgress": {"PROBING": PHASE, "TRANSCODING": PHASE, "UPLOADING": PHASE},
        "jobPercentComplete": int, "currentPhase": str, "retryCount": int}),
    "mediaconvert COMPLETE": _mediaconvert(**{
        "outputGroupDetails": [{"outputDetails": [OUTPUT], "type": str}],
        "warnings?": [{"code": int, "count": int}], "paddingInserted?": int,
        "blackVideoDetected?": int, "blackSegments?": [{"start": int, "end": int}]}),
    "mediaconvert CANCELED": _mediaconvert(),
    "mediaconvert ERROR": _mediaconvert(errorCode=int, errorMessage=str),
    "mediaconvert NEW_WARNING": _mediaconvert(warningCode=str, warningMessage=str),
    "mediaconvert QUEUE_HOP": _mediaconvert(previousQueue=str, priority=int, previousPriority=int),
    "transcribe COMPLETED": {**EVENT, "detail": {"TranscriptionJobName": str,
                                                 "TranscriptionJobStatus": str}},
    "transcribe FAILED": {**EVENT, "detail": {"TranscriptionJobName": str,
                                              "TranscriptionJobStatus": str,
                                              "FailureReason": str}},
    "transcribe language": {**EVENT, "detail": {"JobType": str, "JobName": str,
                                                "LanguageIdentificationStatus": str}},
    "rekognition SUCCEEDED": REKOGNITION,
    "rekognition FAILED": REKOGNITION,
    "s3 Records": {"Records": [RECORD]},
    "s3 TestEvent": {"Service": str, "Event": str, "Time": str, "Bucket": str, "RequestId": str,
                     "HostId": str},
}
# Which of these localcloud never sends, and why.
NOT_LOCALCLOUDS = {
    "mediaconvert NEW_WARNING": "ffmpeg's complaints end a job or are none",
    "mediaconvert QUEUE_HOP": "there is one queue",
    "transcribe language": "spotlist does not heed it; the COMPLETED event follows",
}
# Optional members that localcloud never sends, and why. Everything else it must send sometimes.
NEVER = {
    "warnings": "see NEW_WARNING", "blackSegments": "nobody looks for black",
    "blackVideoDurationInMs": "nobody looks for black",
    "Message": "of Rekognition's: not recorded, only in an example",
    "versionId": "buckets have no versions",
    **{name.rstrip("?"): "x264 measures no such score" for name in VIDEO_DETAILS if "?" in name},
}


def kind_of(event):
    """The name of an event's shape."""
    if event.get("source") == "aws.mediaconvert":
        return f"mediaconvert {event['detail']['status']}"
    if event.get("source") == "aws.transcribe":
        return f"transcribe {event['detail'].get('TranscriptionJobStatus', 'language')}"
    if "JobId" in event:
        return f"rekognition {event['Status']}"
    return "s3 Records" if "Records" in event else "s3 TestEvent"


def differences(value, shape, path=""):
    """What of a value is not as its shape says."""
    if shape == MAP:
        good = isinstance(value, dict) and all(isinstance(each, str) for each in value.values())
        return [] if good else [f"{path}: {value!r} is no map of text"]
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{path}: {value!r} is no list"]
        return [found for each in value for found in differences(each, shape[0], path + "[]")]
    if not isinstance(shape, dict):
        good = isinstance(value, shape) and not isinstance(value, bool)
        return [] if good else [f"{path}: {value!r} is no {shape}"]
    if not isinstance(value, dict):
        return [f"{path}: {value!r} is no object"]
    members = {name.rstrip("?"): inner for name, inner in shape.items()}
    found = [f"{path}.{name}: not known" for name in value if name not in members]
    found += [f"{path}.{name}: missing" for name in shape
              if not name.endswith("?") and name not in value]
    for name, inner in members.items():
        if name in value:
            found += differences(value[name], inner, f"{path}.{name}")
    return found


def optional_members(shape):
    """Names of all optional members in a shape."""
    if isinstance(shape, list):
        return optional_members(shape[0])
    if not isinstance(shape, dict):
        return set()
    return {name.rstrip("?") for name in shape if name.endswith("?")}.union(
        *(optional_members(inner) for inner in shape.values()))


def members(value):
    """All names of members anywhere in a value."""
    if isinstance(value, list):
        return set().union(*(members(each) for each in value))
    if not isinstance(value, dict):
        return set()
    return set(value).union(*(members(each) for each in value.values()))


def example(kind, shape=None):
    """An event of a kind with every member, made of its shape."""
    shape = SHAPES[kind] if shape is None else shape
    if shape == MAP:
        return {"key": "value"}
    if isinstance(shape, list):
        return [example(kind, shape[0])]
    if isinstance(shape, dict):
        made = {name.rstrip("?"): example(kind, inner) for name, inner in shape.items()}
        return _named(kind, made)
    return {str: "text", int: 7, NUMBER: 7.5}[shape]


def _named(kind, made):
    """The members by which an event of this kind is known."""
    service, _, status = kind.partition(" ")
    known = {"source": f"aws.{service}", "status": status, "TranscriptionJobStatus": status,
             "Status": status, "API": "StartLabelDetection", "eventSource": "aws:s3",
             "eventName": "ObjectCreated:Put", "Event": "s3:TestEvent"}
    return {name: known.get(name, value) if isinstance(value, str) else value
            for name, value in made.items()}


def read_directory(directory):
    """{name: event} of a directory of payloads."""
    return {path.name: json.loads(path.read_text()) for path in sorted(directory.glob("*.json"))
            if ".localstack-snapshot." not in path.name}
