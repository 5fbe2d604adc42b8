"""Publishes with the SDKs for Python: publish.py cloudevents URL MODE, or publish.py putevents URL; JSON on stdin."""

import json
import sys
import urllib.error
import urllib.request
from datetime import datetime

import boto3
from botocore.exceptions import ClientError
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent


def cloud_event(fields):
    attributes = {name: value for name, value in fields.items() if name != "data"}
    attributes["time"] = datetime.fromisoformat(attributes["time"])
    return CloudEvent(attributes=attributes, data=fields["data"])


def message(events, mode):
    if mode == "binary":
        return to_binary_event(events[0])
    if mode == "structured":
        return to_structured_event(events[0])
    # The SDK writes single events only; a batch is an array of them.
    batch = to_structured_event(events[0])
    batch.headers["content-type"] = "application/cloudevents-batch+json"
    body = b"[" + b",".join(JSONFormat().write(event) for event in events) + b"]"
    return type(batch)(headers=batch.headers, body=body)


def send_cloud_events(url, mode, events):
    sent = message([cloud_event(fields) for fields in events], mode)
    request = urllib.request.Request(url, data=sent.body, headers=sent.headers, method="POST")
    try:
        with urllib.request.urlopen(request) as response:
            return {"status": response.status, "body": json.load(response)}
    except urllib.error.HTTPError as error:
        return {"status": error.code, "body": json.load(error)}


def put_events(url, entries):
    client = boto3.client("events", endpoint_url=url)
    try:
        output = client.put_events(Entries=entries)
    except ClientError as error:
        answer = error.response
        return {"error": answer["Error"]["Code"], "requestId": answer["ResponseMetadata"]["RequestId"]}
    request_id = output["ResponseMetadata"]["RequestId"]
    return {"failed": output["FailedEntryCount"], "entries": output["Entries"], "requestId": request_id}


what, url, *mode = sys.argv[1:]
given = json.load(sys.stdin)
print(json.dumps(send_cloud_events(url, mode[0], given) if what == "cloudevents" else put_events(url, given)))
