"""What the tests have a version in Python do, by the name in the event."""

import os
import time


def handle(event, context):
    print("printed by", event["do"])
    if event["do"] == "fail":
        raise ValueError("an error of Python's")
    if event["do"] == "hang":
        time.sleep(60)
    if event["do"] == "exit":
        os._exit(3)
    in_time = "true" if context.get_remaining_time_in_millis() > 0 else "false"
    with open(os.environ["TOLD"], "a") as told:
        told.write(f"{context.aws_request_id} {event['text']} {in_time}\n")
    return {"told": event["text"]}
