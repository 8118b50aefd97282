#!/usr/bin/env python3
"""A bot of Parlor in Python, with the standard library alone: it collects who wants tea, and serves it at tea time.

docs/process-bots.md explains every line of it. The host writes a JSON object on each line of the standard input; each is
answered with one on the standard output. What is to be logged goes to standard error.
"""

import json
import sys

DESCRIPTION = {
    "kind": "tea",
    "about": "Collects who wants tea, and serves it at tea time.",
    "commands": [
        {
            "name": "tea",
            "about": "Puts you on the list for the next pot.",
            "arguments": [
                {"name": "cups", "form": "whole number", "about": "How many cups. Default: one.", "required": False},
                {"name": "with", "choices": ["milk", "sugar"], "about": "What goes into them.", "required": False},
            ],
        },
        {"name": "list", "about": "Shows who is on it."},
    ],
    "handlers": [
        {"on": "keywords", "about": "Tells who mentions coffee what it is missing."},
        {"on": "schedule", "name": "tea-time", "about": "Serves the tea."},
    ],
    "settings": {
        "type": "object",
        "additionalProperties": False,
        "required": ["cups"],
        "properties": {
            "cups": {"type": "integer", "description": "How many cups the pot holds."},
            "time": {"type": "string", "title": "cron expression", "description": "When tea is served. Default: half past three."},
            "zone": {"type": "string", "title": "time zone by IANA name", "description": "The zone of that time. Default: UTC."},
        },
    },
}


class Tell(Exception):
    """Whoever caused the event did something wrong and is told."""


class Tea:
    """One instance: an entry of the operator's configuration."""

    def __init__(self, told):
        self.rooms = told["rooms"]
        self.cups = told["settings"]["cups"]
        self.state = {}

    def handle(self, told):
        """What an event leads to: posts, and what is remembered from now on."""
        # It is told only when it is another than with the event before.
        self.state = told.get("state", self.state)
        wanted = self.state.get("wanted", [])
        event, command = told["event"], told.get("command")
        if command and command["name"] == "tea":
            return self.pour(event, command["arguments"], wanted)
        if command and command["name"] == "list":
            return {"posts": [{"text": f"Tea for {', '.join(wanted)}." if wanted else "Nobody wants tea yet."}]}
        if told.get("found"):
            return {"posts": [{"text": "There is tea as well: ", "parts": [{"hyperlink": {"text": "how to brew it", "target": "https://example.com/tea"}}]}]}
        if event["type"] == "schedule":
            return self.serve(wanted)
        return {}

    def pour(self, event, arguments, wanted):
        who, cups = event["author_name"] or event["author"], arguments.get("cups", 1)
        if cups < 1 or len(wanted) + cups > self.cups:
            raise Tell(f"Sorry {who}, the pot holds {self.cups} cups.")
        cup = f"{who} with {arguments['with']}" if "with" in arguments else who
        return {"posts": [{"text": f"Noted, {who}: {cups}."}], "state": {"wanted": wanted + [cup] * cups}}

    def serve(self, wanted):
        if not wanted:
            return {"skipped": "nobody wants tea"}
        tea = {"text": f"Tea for {', '.join(wanted)}!", "alert": True}
        return {"posts": [{"room": room, **tea} for room in self.rooms], "state": {"wanted": None}}


def configure(told):
    """The instance, and the answer to the line that makes it."""
    settings = told["settings"]
    if settings["cups"] < 1:
        problem = {"path": "cups", "problem": "a pot holds at least one cup"}
        return None, {"type": "refused", "problems": [problem]}
    times = {"id": "tea-time", "cron": settings.get("time", "30 15 * * MON-FRI"), "zone": settings.get("zone", "UTC")}
    return Tea(told), {"type": "ready", "keywords": ["coffee"], "schedules": [times]}


def main():
    bot = None
    for line in sys.stdin:
        told = json.loads(line)
        if told["type"] == "hello":
            answer = {"type": "hello", "protocol": 1, "description": DESCRIPTION}
        elif told["type"] == "configure":
            bot, answer = configure(told)
        else:
            try:
                answer = {"type": "done", "id": told["id"], **bot.handle(told)}
            except Tell as refused:
                answer = {"type": "tell", "id": told["id"], "post": {"text": str(refused)}}
        # Any other exception ends the program: the host logs it, starts it again and hands over the same event.
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
