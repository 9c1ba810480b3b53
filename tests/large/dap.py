# SPDX-License-Identifier: GPL-2.0-or-later
"""An editor's end of the Debug Adapter Protocol (its specification 1.68), over pipes."""
import json
import os
import select
import subprocess
import time

DEADLINE = 600


class Editor:
    """A debug adapter that runs, and what it said that was no answer."""

    def __init__(self, *adapter):
        self.process = subprocess.Popen([str(word) for word in adapter], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self.data = b""
        self.asked = 0
        self.events = []
        self.answers = {}

    def _read(self, end):
        """One message is taken in."""
        while True:
            head, found, body = self.data.partition(b"\r\n\r\n")
            length = int(head.removeprefix(b"Content-Length: ")) if found else 0
            if found and len(body) >= length:
                break
            ready, _, _ = select.select([self.process.stdout], [], [],
                                        max(end - time.monotonic(), 0))
            more = os.read(self.process.stdout.fileno(), 1 << 16) if ready else b""
            assert more, f"the adapter says no more: {self.events} {self.answers} {self.data}"
            self.data += more
        self.data = body[length:]
        message = json.loads(body[:length])
        if message["type"] == "response":
            self.answers[message["request_seq"]] = message
        elif message["type"] == "event":
            self.events.append(message)

    def begin(self, command, **arguments):
        """Ask without waiting for the answer."""
        self.asked += 1
        body = json.dumps({"seq": self.asked, "type": "request", "command": command,
                           "arguments": arguments}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()
        return self.asked

    def end(self, asked):
        """The body of the answer, which must be a good one."""
        end = time.monotonic() + DEADLINE
        while asked not in self.answers:
            self._read(end)
        answer = self.answers.pop(asked)
        assert answer["success"], answer
        return answer.get("body", {})

    def ask(self, command, **arguments):
        return self.end(self.begin(command, **arguments))

    def wait_for(self, event):
        """The body of the next such event."""
        end = time.monotonic() + DEADLINE
        while True:
            for said in self.events:
                if said["event"] == event:
                    self.events.remove(said)
                    return said.get("body", {})
            self._read(end)

    def printed(self):
        """What came to the debug console so far, and is forgotten then."""
        said = [event["body"]["output"] for event in self.events if event["event"] == "output"]
        self.events = [event for event in self.events if event["event"] != "output"]
        return "".join(said)

    def close(self):
        self.process.stdin.close()
        self.process.stdout.read()
        return self.process.wait(DEADLINE)
