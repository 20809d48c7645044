# SPDX-License-Identifier: Apache-2.0
"""localcloud's S3: listing."""

import concurrent.futures
import hashlib

import pytest

from localcloud_s3 import (  # noqa: F401 (fixtures)
    bucket, refused, s3)


@pytest.fixture(scope="module")
def tree(s3):
    """Keys in the order of their UTF-8 bytes."""
    keys = sorted(["a", "a/1", "a/2", "a/b/3", "a0", "b/", "b/한", "c d/e+f", "z", "é/1", "🎬"],
                  key=lambda key: key.encode())
    s3.create_bucket(Bucket="tree")
    for key in reversed(keys):
        s3.put_object(Bucket="tree", Key=key, Body=key.encode())
    return keys


def test_keys_are_listed_in_byte_order(s3, tree):
    answer = s3.list_objects_v2(Bucket="tree")
    assert [o["Key"] for o in answer["Contents"]] == tree
    assert [o["Size"] for o in answer["Contents"]] == [len(key.encode()) for key in tree]
    assert (answer["KeyCount"], answer["IsTruncated"]) == (len(tree), False)
    assert answer["Contents"][0]["ETag"] == f'"{hashlib.md5(b"a").hexdigest()}"'


def pages(s3, **arguments):
    """Every page of ListObjectsV2 as (keys, prefixes)."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket="tree", **arguments):
        yield ([o["Key"] for o in page.get("Contents", [])],
               [p["Prefix"] for p in page.get("CommonPrefixes", [])])


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_pages_of_any_size_make_up_the_whole(s3, tree, size):
    got = list(pages(s3, PaginationConfig={"PageSize": size}))
    assert sum((keys for keys, _ in got), []) == tree
    assert all(len(keys) <= size for keys, _ in got)


@pytest.mark.parametrize("size", [1, 2, 100])
def test_a_delimiter_rolls_keys_up(s3, tree, size):
    got = list(pages(s3, Delimiter="/", PaginationConfig={"PageSize": size}))
    assert sum((keys for keys, _ in got), []) == ["a", "a0", "z", "🎬"]
    assert sum((prefixes for _, prefixes in got), []) == ["a/", "b/", "c d/", "é/"]
    assert all(len(keys) + len(prefixes) <= size for keys, prefixes in got)


def test_a_prefix_narrows(s3, tree):
    assert list(pages(s3, Prefix="a/")) == [(["a/1", "a/2", "a/b/3"], [])]
    assert list(pages(s3, Prefix="a/", Delimiter="/")) == [(["a/1", "a/2"], ["a/b/"])]
    assert list(pages(s3, Prefix="c d/e+")) == [(["c d/e+f"], [])]
    assert list(pages(s3, Prefix="none")) == [([], [])]


def test_start_after_skips(s3, tree):
    assert list(pages(s3, StartAfter="a/2"))[0][0] == tree[tree.index("a/2") + 1:]
    assert list(pages(s3, StartAfter="zz"))[0][0] == ["é/1", "🎬"]


def test_version_1_pages_by_marker(s3, tree):
    first = s3.list_objects(Bucket="tree", MaxKeys=3)
    assert first["IsTruncated"] and "NextMarker" not in first
    last = first["Contents"][-1]["Key"]
    rest = s3.list_objects(Bucket="tree", Marker=last)
    assert [o["Key"] for o in first["Contents"] + rest["Contents"]] == tree
    rolled = s3.list_objects(Bucket="tree", Delimiter="/", MaxKeys=2)
    assert rolled["NextMarker"] == "a/"
    rest = s3.list_objects(Bucket="tree", Delimiter="/", Marker=rolled["NextMarker"])
    assert [o["Key"] for o in rest["Contents"]] == ["a0", "z", "🎬"]
    assert [p["Prefix"] for p in rest["CommonPrefixes"]] == ["b/", "c d/", "é/"]


def test_odd_list_parameters(s3, tree):
    assert s3.list_objects_v2(Bucket="tree", MaxKeys=0)["KeyCount"] == 0
    assert s3.list_objects_v2(Bucket="tree", FetchOwner=True)["Contents"][0]["Owner"]["ID"]
    refused("InvalidArgument", 400, s3.list_objects_v2, Bucket="tree", ContinuationToken="!?")
    refused("InvalidArgument", 400, s3.list_objects_v2, Bucket="tree", MaxKeys=-1)


def test_a_thousand_keys_are_a_page(s3, bucket):
    def put(i):
        s3.put_object(Bucket=bucket, Key=f"{i:05}", Body=b"")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(1005)))
    first = s3.list_objects_v2(Bucket=bucket)
    assert (first["KeyCount"], first["IsTruncated"]) == (1000, True)
    rest = s3.list_objects_v2(Bucket=bucket, ContinuationToken=first["NextContinuationToken"])
    assert [o["Key"] for o in rest["Contents"]] == ["01000", "01001", "01002", "01003", "01004"]
