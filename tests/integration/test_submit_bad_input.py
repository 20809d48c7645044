# SPDX-License-Identifier: Apache-2.0
"""POST /videos and the queries, when the client is wrong: the exact status, code and pointer."""

import json

import pytest

from harness import exchange

GOOD = {"source": "s3://spotlist-test/there.mp4"}


def upload(**more):
    return {"source": "upload", "filename": "a.mp4", **more}


# What is sent, and what is answered: status, code, pointer.
VALUES = {
    "a list": ([], 422, "wrong_type", ""),
    "an unknown field": ({**GOOD, "colour": 1}, 422, "unknown_field", "/colour"),
    "an unknown field whose name needs escaping":
        ({**GOOD, "a/b~c": 1}, 422, "unknown_field", "/a~1b~0c"),
    "an unknown nested field":
        ({**GOOD, "frames": {"rate": 1}}, 422, "unknown_field", "/frames/rate"),
    "no source": ({"title": "t"}, 422, "missing_field", "/source"),
    "a null": ({**GOOD, "title": None}, 422, "wrong_type", "/title"),
    "a numeric source": ({"source": 7}, 422, "wrong_type", "/source"),
    "an empty source": ({"source": ""}, 422, "out_of_range", "/source"),
    "a numeric title": ({**GOOD, "title": 7}, 422, "wrong_type", "/title"),
    "a title of 501 bytes": ({**GOOD, "title": "t" * 501}, 422, "out_of_range", "/title"),
    "tags that are a string": ({**GOOD, "tags": "a"}, 422, "wrong_type", "/tags"),
    "21 tags": ({**GOOD, "tags": ["t"] * 21}, 422, "out_of_range", "/tags"),
    "an empty tag": ({**GOOD, "tags": ["a", ""]}, 422, "out_of_range", "/tags/1"),
    "a tag of 65 bytes": ({**GOOD, "tags": ["t" * 65]}, 422, "out_of_range", "/tags/0"),
    "a numeric tag": ({**GOOD, "tags": [1]}, 422, "wrong_type", "/tags/0"),
    "no analyses": ({**GOOD, "analyses": []}, 422, "out_of_range", "/analyses"),
    "an unknown analysis":
        ({**GOOD, "analyses": ["labels", "moods"]}, 422, "bad_value", "/analyses/1"),
    "an analysis twice":
        ({**GOOD, "analyses": ["labels", "labels"]}, 422, "bad_value", "/analyses/1"),
    "frames that are a number": ({**GOOD, "frames": 5}, 422, "wrong_type", "/frames"),
    "an interval of 99 ms":
        ({**GOOD, "frames": {"interval_ms": 99}}, 422, "out_of_range", "/frames/interval_ms"),
    "an interval of 600001 ms":
        ({**GOOD, "frames": {"interval_ms": 600001}}, 422, "out_of_range", "/frames/interval_ms"),
    "an interval that is not whole":
        ({**GOOD, "frames": {"interval_ms": 100.5}}, 422, "wrong_type", "/frames/interval_ms"),
    "an interval in words":
        ({**GOOD, "frames": {"interval_ms": "1000"}}, 422, "wrong_type", "/frames/interval_ms"),
    "a confidence below 0": ({**GOOD, "labels": {"min_confidence": -0.1}}, 422, "out_of_range",
                             "/labels/min_confidence"),
    "a confidence above 100": ({**GOOD, "labels": {"min_confidence": 100.1}}, 422,
                               "out_of_range", "/labels/min_confidence"),
    "one speaker": ({**GOOD, "transcript": {"max_speakers": 1}}, 422, "out_of_range",
                    "/transcript/max_speakers"),
    "31 speakers": ({**GOOD, "transcript": {"max_speakers": 31}}, 422, "out_of_range",
                    "/transcript/max_speakers"),
    "a language by name": ({**GOOD, "transcript": {"language": "English"}}, 422, "bad_value",
                           "/transcript/language"),
    "a language with a trailing newline": ({**GOOD, "transcript": {"language": "en-US\n"}}, 422,
                                           "bad_value", "/transcript/language"),
    "a filename with an S3 source":
        ({**GOOD, "filename": "a.mp4"}, 422, "bad_value", "/filename"),
    "a content type with an S3 source":
        ({**GOOD, "content_type": "video/mp4"}, 422, "bad_value", "/content_type"),
    "an upload without a filename": ({"source": "upload"}, 422, "missing_field", "/filename"),
    "an empty filename": (upload(filename=""), 422, "out_of_range", "/filename"),
    "a filename of 256 bytes": (upload(filename="f" * 256), 422, "out_of_range", "/filename"),
    "a filename of 256 bytes in 128 letters":
        (upload(filename="é" * 128), 422, "out_of_range", "/filename"),
    "a filename with a control character":
        (upload(filename="a\nb.mp4"), 422, "bad_value", "/filename"),
    "a filename with a slash": (upload(filename="a/b.mp4"), 422, "bad_value", "/filename"),
    "a content type with a line break":
        (upload(content_type="video/mp4\r\nX-Evil: 1"), 422, "bad_value", "/content_type"),
}

SOURCES = {
    "an https URL": ("https://example.com/a.mp4", "unsupported_scheme"),
    "an http URL": ("http://169.254.169.254/latest/meta-data", "unsupported_scheme"),
    "a file URL": ("file:///etc/passwd", "unsupported_scheme"),
    "an ftp URL": ("ftp://example.com/a.mp4", "unsupported_scheme"),
    "a bare path": ("/etc/passwd", "bad_source"),
    "a word": ("video.mp4", "bad_source"),
    "no bucket": ("s3:///key.mp4", "bad_source"),
    "no key": ("s3://bucket", "bad_source"),
    "an empty key": ("s3://bucket/", "bad_source"),
    "one slash": ("s3:/bucket/key", "bad_source"),
    "a bucket of two letters": ("s3://ab/key", "bad_source"),
    "a bucket in capitals": ("s3://Bucket/key", "bad_source"),
    "a bucket with an underscore": ("s3://my_bucket/key", "bad_source"),
    "a bucket of 64 letters": (f"s3://{'b' * 64}/key", "bad_source"),
    "a bucket that is an address": ("s3://192.168.0.1/key", "bad_source"),
    "a bucket with two dots together": ("s3://my..bucket/key", "bad_source"),
    "a user in front of the bucket": ("s3://me@bucket/key", "bad_source"),
    "a port behind the bucket": ("s3://bucket:80/key", "bad_source"),
    "a key of 1025 bytes": (f"s3://bucket/{'k' * 1025}", "bad_source"),
    "a key of 1025 bytes in Korean": (f"s3://bucket/{'한' * 341}kk", "bad_source"),
}

# Bodies that are not JSON values of ours at all.
BODIES = {
    "nothing": (b"", 400, "body_missing"),
    "not JSON": (b"source=s3://a/b", 400, "body_not_json"),
    "a string": (b'"s3://bucket/key"', 400, "body_not_json"),
    "half of it": (b'{"source": "s3://bucket/a', 400, "body_not_json"),
    "something behind it": (json.dumps(GOOD).encode() + b"x", 400, "body_not_json"),
    "two values": (json.dumps(GOOD).encode() * 2, 400, "body_not_json"),
    "a key twice": (b'{"source": "s3://bucket/a", "source": "s3://bucket/b"}', 400,
                    "duplicate_key"),
    "a nested key twice":
        (b'{"source": "s3://bucket/a", "frames": {"interval_ms": 500, "interval_ms": 600}}', 400,
         "duplicate_key"),
    "Latin-1": ('{"source": "s3://bucket/é"}'.encode("latin-1"), 400, "body_not_json"),
    "an escaped NUL": (b'{"source": "s3://bucket/a\\u0000b"}', 400, "body_not_json"),
    "a lone surrogate": (b'{"source": "s3://bucket/\\ud800"}', 400, "body_not_json"),
    "a byte order mark": (b"\xef\xbb\xbf" + json.dumps(GOOD).encode(), 400, "body_not_json"),
    "deep nesting": (b"[" * 60000, 400, "body_not_json"),
    "a number beyond all bounds": (b'{"source": "s3://bucket/a", "frames": {"interval_ms": 1e999}}',
                                   400, "body_not_json"),
}

QUERIES = {
    "limit=0": "?limit", "limit=1001": "?limit", "limit=ten": "?limit", "limit=": "?limit",
    "limit=1&limit=2": "?limit", "state=done": "?state", "state=": "?state", "tag=": "?tag",
    f"tag={'t' * 65}": "?tag", "cursor=nonsense": "?cursor", "colour=red": "?colour",
    "limit=%zz": "?limit", "tag=%ff": "?tag",
}


def names(table):
    return pytest.mark.parametrize("case", list(table), ids=[name.replace(" ", "_")
                                                             for name in table])


def refused(reply, status, code, pointer=None):
    assert (reply.status, reply.json["code"]) == (status, code), reply
    if pointer is not None:
        assert reply.json.get("pointer", "") == pointer, reply
    assert reply.json.get("detail"), reply


@names(VALUES)
def test_a_wrong_value_is_named(svc, case):
    value, status, code, pointer = VALUES[case]
    refused(svc.post("/videos", value), status, code, pointer)


@names(SOURCES)
def test_a_wrong_source_is_told_apart(svc, case):
    source, code = SOURCES[case]
    refused(svc.post("/videos", {"source": source}), 422, code, "/source")


@names(BODIES)
def test_a_body_that_is_not_ours_is_refused(svc, case):
    body, status, code = BODIES[case]
    refused(svc.post("/videos", body=body), status, code)


@names(QUERIES)
def test_a_wrong_query_is_named(svc, case):
    refused(svc.get(f"/videos?{case}"), 400, "bad_parameter", QUERIES[case])


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded",
                                  "application/jsonp", "multipart/form-data; boundary=x", ""])
def test_only_json_is_taken(svc, kind):
    body = json.dumps(GOOD).encode()
    refused(svc.post("/videos", body=body, headers={"Content-Type": kind}), 415,
            "unsupported_media_type")


def test_json_with_a_charset_is_json(svc):
    reply = svc.post("/videos", body=json.dumps(upload()).encode(),
                     headers={"Content-Type": "Application/JSON; charset=utf-8"})
    assert reply.status == 202


def test_a_body_that_is_too_large_is_refused_before_it_is_read(svc):
    body = json.dumps({**GOOD, "title": "t" * (2 << 20)}).encode()
    refused(svc.post("/videos", body=body), 413, "body_too_large")


def test_a_chunked_body_that_grows_too_large_is_refused(svc):
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    reply = svc.post("/videos", body=chunk * 40 + b"0\r\n\r\n",
                     headers={"Content-Type": "application/json", "Transfer-Encoding": "chunked"})
    refused(reply, 413, "body_too_large")


def test_a_target_that_is_too_long_is_refused(svc):
    refused(svc.get(f"/videos/{'x' * 10000}"), 414, "uri_too_long")


@pytest.mark.parametrize("odd", ["nonsense", "019aad3e-7b6c-7d3a-9d0f-0c5f0e3b8a1",
                                 "019AAD3E-7B6C-7D3A-9D0F-0C5F0E3B8A10",
                                 "019aad3e-7b6c-7d3a-9d0f-0c5f0e3b8a10", "%27%3B--"])
@pytest.mark.parametrize("tail", ["", "/metadata"])
def test_a_video_that_is_not_there_is_not_found(svc, odd, tail):
    refused(svc.get(f"/videos/{odd}{tail}"), 404, "video_not_found")


def test_unknown_query_parameters_are_refused_everywhere(svc):
    video = svc.post("/videos", upload()).json["id"]
    refused(svc.get(f"/videos/{video}?verbose=1"), 400, "bad_parameter", "?verbose")
    refused(svc.get(f"/videos/{video}/metadata?verbose=1"), 400, "bad_parameter", "?verbose")


def test_the_largest_values_are_taken(svc):
    video = svc.post("/videos", upload(
        filename="é" * 127, title="t" * 500, tags=["t" * 63 + str(n % 10) for n in range(20)],
        analyses=["transcript", "labels", "celebrities"], frames={"interval_ms": 600000},
        labels={"min_confidence": 0}, transcript={"language": "auto", "max_speakers": 30}))
    assert video.status == 202, video
    options = video.json["options"]
    assert options["frames"] == {"interval_ms": 600000}
    assert options["labels"] == {"min_confidence": 0}
    assert options["transcript"] == {"language": "auto", "max_speakers": 30}
    assert sorted(options["analyses"]) == ["celebrities", "labels", "transcript"]


def test_nothing_refused_is_stored(svc, pg):
    before = pg.query("SELECT count(*) FROM spotlist_data.videos")
    for value, *_ in VALUES.values():
        svc.post("/videos", value)
    assert pg.query("SELECT count(*) FROM spotlist_data.videos") == before


def test_the_server_outlives_clients_that_leave(svc):
    """Half a request, then silence: others are served meanwhile."""
    import socket
    from urllib.parse import urlsplit
    url = urlsplit(svc.url)
    sockets = [socket.create_connection((url.hostname, url.port)) for _ in range(20)]
    for connection in sockets:
        connection.sendall(b"POST /videos HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    assert svc.get("/videos").status == 200
    for connection in sockets:
        connection.close()
    assert exchange(svc.url, "GET", "/videos").status == 200
