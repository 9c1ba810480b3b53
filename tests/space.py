# SPDX-License-Identifier: GPL-2.0-or-later
"""A network namespace that stands for a machine's own: what `netns: host` is tried in."""
import json
import os
import subprocess

DEADLINE = 120  # seconds until anything counts as hung

# What netlab must leave as it found it, beside links: switches of the whole namespace.
SETTINGS = ["ipv4/ip_forward", "ipv4/conf/all/forwarding", "ipv4/conf/default/forwarding",
            "ipv6/conf/all/forwarding", "ipv6/conf/default/forwarding",
            "ipv6/conf/all/addr_gen_mode", "ipv6/conf/default/addr_gen_mode",
            "ipv6/conf/default/router_solicitations", "ipv6/conf/default/accept_ra",
            "ipv6/conf/lo/addr_gen_mode"]


# The kernel notices some time later whether there is a carrier.
CARRIER = {"LOWER_UP", "NO-CARRIER", "linkdown", "dead"}


def lasting(shown):
    """iproute2's JSON without what changes by itself: carrier, and a bridge's timers."""
    if isinstance(shown, list):
        return [lasting(one) for one in shown
                if not (isinstance(one, str) and one in CARRIER)]
    if isinstance(shown, dict):
        return {key: lasting(value) for key, value in shown.items()
                if key != "operstate" and not key.endswith("_timer")}
    return shown


class Space:
    """Held by a process that waits for the end of its input. As an ordinary user, who may make
    no network namespace alone, it is in a user namespace too."""

    def __init__(self):
        user = [] if os.geteuid() == 0 else ["-U", "-r"]
        self.process = subprocess.Popen(
            ["unshare", *user, "-n", "sh", "-c", "echo ready; exec cat"], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == "ready\n"
        user = [] if os.geteuid() == 0 else ["-U", "--preserve-credentials"]
        self.prefix = ["nsenter", "-t", str(self.process.pid), *user, "-n"]

    def run(self, *command):
        return subprocess.run([*self.prefix, *command], capture_output=True, text=True,
                              timeout=DEADLINE, check=False)

    def ok(self, *command):
        result = self.run(*command)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def ip(self, *words):
        """What iproute2 says, as JSON."""
        return json.loads(self.ok("ip", "-j", "-d", *words) or "[]")

    def change(self, *words):
        self.ok("ip", *words)

    def links(self):
        return {link["ifname"]: link for link in self.ip("link")}

    def aliases(self):
        """Of each link but lo."""
        return {name: link.get("ifalias") for name, link in self.links().items() if name != "lo"}

    def state(self):
        """All that netlab could have changed, without what changes by itself."""
        paths = [f"/proc/sys/net/{path}" for path in SETTINGS]
        return lasting({
            "links": self.ip("link"), "addresses": self.ip("address"),
            "routes": [self.ip(family, "route", "show", "table", "all")
                       for family in ["-4", "-6"]],
            "neighbours": self.ip("neighbour", "show", "nud", "permanent"),
            "settings": self.ok("cat", *paths)})

    def next_index(self):
        """The index that the next link gets: what was made and deleted in between counts."""
        self.change("link", "add", "probe", "type", "bridge")
        index = self.links()["probe"]["ifindex"]
        self.change("link", "delete", "probe")
        return index

    def close(self):
        self.process.stdin.close()
        self.process.wait(DEADLINE)
        self.process.stdout.close()
