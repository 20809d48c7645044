# SPDX-License-Identifier: Apache-2.0
"""The yardstick of ./run bench: GET /videos/{id}/metadata as one would write it in Python, with
FastAPI, asyncpg and boto3, on uvloop. The finished video's document is in the database already: it
is read with one indexed query by a prepared statement of a pooled connection, and sent as it is
with its ETag. With links=true the MP4 gets a presigned URL.

    DATABASE_URL=… uvicorn --workers CORES --loop uvloop --http httptools --no-access-log app:app
"""

import os
import uuid
from contextlib import asynccontextmanager

import asyncpg
import boto3
import botocore.config
import orjson
from fastapi import FastAPI, Header, Response

# The document is stored in parts: those of a long video are joined here.
QUERY = """
SELECT p.document, p.body
FROM spotlist_data.documents d
    JOIN spotlist_data.document_parts p ON p.video_id = d.video_id AND p.document = d.document
WHERE d.video_id = $1
ORDER BY p.at_byte
"""


@asynccontextmanager
async def lifespan(app: FastAPI):
    app.state.pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=8, max_size=8)
    app.state.s3 = boto3.client("s3", config=botocore.config.Config(signature_version="s3v4"))
    yield
    await app.state.pool.close()


app = FastAPI(lifespan=lifespan, openapi_url=None)


def with_links(body: bytes) -> bytes:
    document = orjson.loads(body)
    bucket = document["source"].split("/")[2]
    document["links"] = {"mp4": app.state.s3.generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": document["outputs"]["mp4"]})}
    return orjson.dumps(document)


@app.get("/videos/{video}/metadata")
async def metadata(video: uuid.UUID, links: bool = False, if_none_match: str | None = Header(None)):
    async with app.state.pool.acquire() as connection:
        rows = await connection.fetch(QUERY, video)
    if not rows:
        return Response(orjson.dumps({"detail": "there is no such video"}), 404,
                        media_type="application/json")
    etag = f'"{rows[0]["document"]}"'
    if if_none_match == etag and not links:
        return Response(status_code=304, headers={"ETag": etag})
    body = (rows[0]["body"] if len(rows) == 1 else "".join(row["body"] for row in rows)).encode()
    if links:
        return Response(with_links(body), media_type="application/json")
    return Response(body, media_type="application/json", headers={"ETag": etag})
