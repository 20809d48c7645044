# SPDX-License-Identifier: Apache-2.0
"""What a shape's answers must have become: rows, items, and parts of the metadata document."""

import json


def frame_key(video_id, frame):
    return f"thumbs/{video_id}/frame.{frame:07d}.jpg"


def box_of(box):
    return {"left": box["Left"], "top": box["Top"], "width": box["Width"], "height": box["Height"]}


def timecode(ms):
    """HH:MM:SS.mmm"""
    return f"{ms // 3600000:02}:{ms // 60000 % 60:02}:{ms // 1000 % 60:02}.{ms % 1000:03}"


def runs(detections, gap_ms, step_ms, duration_ms):
    """Detections that follow each other without a gap, as appearances."""
    spans = []
    for one in sorted(detections, key=lambda one: one["time_ms"]):
        if spans and one["time_ms"] - spans[-1][1] <= gap_ms:
            spans[-1][1:] = one["time_ms"], max(spans[-1][2], one["confidence"])
        else:
            spans.append([one["time_ms"], one["time_ms"], one["confidence"]])
    ends = [min(last + step_ms, max(duration_ms, last)) for _, last, _ in spans]
    return [{"from_ms": begin, "to_ms": end, "from": timecode(begin), "to": timecode(end),
             "confidence": confidence}
            for (begin, _, confidence), end in zip(spans, ends)]


def celebrities(shape, video_id):
    """Member `celebrities` of the document."""
    found = {}
    for frame, faces in sorted(shape.faces.items()):
        for face in faces:
            one = found.setdefault((face["Name"], face["Id"]), {
                "name": face["Name"], "id": face["Id"], "urls": face["Urls"], "detections": []})
            one["detections"].append({
                "time_ms": frame * 1000, "time": timecode(frame * 1000),
                "confidence": face["MatchConfidence"],
                "box": box_of(face["Face"]["BoundingBox"]), "frame": frame_key(video_id, frame)})
    for one in found.values():
        one["confidence"] = max(each["confidence"] for each in one["detections"])
        one["appearances"] = runs(one["detections"], 1000, 1000,
                                  shape.manifest["duration_ms"])
    return sorted(found.values(), key=lambda one: (-one["confidence"], one["name"]))


def labels(shape):
    """Member `labels` of the document."""
    times = sorted({entry["Timestamp"] for entry in shape.labels})
    step = min((two - one for one, two in zip(times, times[1:])), default=0)
    found = {}
    for entry in shape.labels:
        label = entry["Label"]
        one = found.setdefault(label["Name"], {
            "name": label["Name"],
            **{member: [each["Name"] for each in label[member.capitalize()]]
               for member in ("parents", "aliases", "categories")},
            "detections": []})
        one["detections"].append({
            "time_ms": entry["Timestamp"], "time": timecode(entry["Timestamp"]),
            "confidence": label["Confidence"],
            "instances": [{"confidence": instance["Confidence"],
                           "box": box_of(instance["BoundingBox"])}
                          for instance in label["Instances"]]})
    for one in found.values():
        one["confidence"] = max(each["confidence"] for each in one["detections"])
        one["appearances"] = runs(one["detections"], step * 3 // 2,
                                  step, shape.manifest["duration_ms"])
    return sorted(found.values(), key=lambda one: (-one["confidence"], one["name"]))


def transcript_parts(shape):
    """What of member `transcript` follows from the answer alone; segments are ours."""
    return {
        "language": "en-US", "text": shape.text(),
        "words": [{"from_ms": begin, "to_ms": end, "confidence": confidence, "text": text}
                  for begin, end, confidence, text in shape.words()]}


def rows(shape, video_id, complete):
    """Rows of each table of the mirror, for the analyses that are complete."""
    faces = shape.faces.items() if "celebrities" in complete else ()
    seen = shape.labels if "labels" in complete else ()
    words = shape.words() if "transcript" in complete else ()
    return {
        "celebrity_detections": [
            (frame, ordinal, frame * 1000, face["Name"], face["Id"], face["Urls"],
             face["MatchConfidence"], *box_of(face["Face"]["BoundingBox"]).values())
            for frame, found in sorted(faces) for ordinal, face in enumerate(found)],
        "label_detections": [
            (ordinal, entry["Label"]["Name"], entry["Timestamp"], entry["Label"]["Confidence"])
            for ordinal, entry in enumerate(seen)],
        "label_instances": [
            (detection, ordinal, instance["Confidence"],
             *box_of(instance["BoundingBox"]).values())
            for detection, entry in enumerate(seen)
            for ordinal, instance in enumerate(entry["Label"]["Instances"])],
        "transcript_words": [(ordinal, *word) for ordinal, word in enumerate(words)],
    }


COLUMNS = {  # the same order as rows()
    "celebrity_detections": "frame_index, ordinal, time_ms, name, celebrity_id, urls, confidence, "
                            "box_left, box_top, box_width, box_height",
    "label_detections": "ordinal, name, time_ms, confidence",
    "label_instances": "detection, ordinal, confidence, box_left, box_top, box_width, box_height",
    "transcript_words": "ordinal, from_ms, to_ms, confidence, text",
}


def items(shape, video_id, complete):
    """DynamoDB items by fileName: attribute to its whole value, JSON decoded."""
    found = {}
    if "celebrities" in complete:
        for frame, faces in shape.faces.items():
            found[frame_key(video_id, frame)] = {
                "celebrities": [face["Name"] for face in faces], "celebrityFaces": faces,
                "timestampMs": frame * 1000}
    if "labels" in complete:
        found[f"mp4/{video_id}/video.mp4"] = {"objects": shape.labels}
    if "transcript" in complete:
        found[f"transcripts/{video_id}/1.json"] = {
            "transcript": shape.text(), "language": "en-US",
            "items": shape.transcript["results"]["items"]}
    return found


def stored(table, name, attribute, used):
    """The whole value of an item's attribute, split or not; adds to `used` what it is made of."""
    item = table[name]
    used.add(name)
    if f"{attribute}Parts" not in item:
        return decoded(item.get(attribute), attribute)
    names = [f"{name}#{attribute}#{number:05d}" for number in range(int(item[f"{attribute}Parts"]))]
    used.update(names)
    parts = [table[part][attribute] for part in names]
    if parts[0].startswith("["):
        return [one for part in parts for one in json.loads(part)]
    return "".join(parts)


def decoded(value, attribute):
    if attribute in ("objects", "items", "celebrityFaces") and value is not None:
        return json.loads(value)
    return value
