# SPDX-License-Identifier: GPL-2.0-or-later
"""netlab clean, on a cache of the test's own. (tests/guest has a lab that holds its part of one.)"""
import fcntl
import os
import time

import pytest

DAY = 24 * 60 * 60
ENTRIES = ["kernels/debug-1", "images/busybox-1.cpio", "modules/poc-1", "sources/linux-1",
           "builds/0123", "logs/debug-0123.log"]


class Cache:
    """A cache in which all was used as long ago as is said."""

    def __init__(self, folder):
        self.folder = folder

    def add(self, name, days):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in (".cpio", ".log", ".lock"):
            path.write_bytes(b"x" * 8192)
        else:
            (path / "below").mkdir(parents=True)
            (path / "below/file").write_bytes(b"x" * 8192)
        when = time.time() - days * DAY - 60
        os.utime(path, (when, when))
        return path

    def left(self):
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.glob("*/*"))


@pytest.fixture
def cache_of_ours(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return Cache(tmp_path / "netlab")


@pytest.fixture
def clean(netlab, run):
    def call(*words):
        return run(netlab, "clean", *words)
    return call


def test_what_was_not_used_for_long_goes(cache_of_ours, clean):
    for name in ENTRIES:
        cache_of_ours.add(name, 31)
        cache_of_ours.add(name.replace("-1", "-2").replace("0123", "4567"), 29)
    dry = clean("--dry-run").ok().stdout
    assert dry.count(" to go ") == dry.count(" kept  ") == 6
    assert len(cache_of_ours.left()) == 12
    result = clean().ok()
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert [line.split()[-1] for line in lines if " removed " in line] == ENTRIES
    assert int(lines[0].split()[0]) >= 8 and lines[0].split()[1] == "KiB"
    assert lines[-1].startswith("removed 6, ") and "; kept 6, " in lines[-1]
    assert len(cache_of_ours.left()) == 6
    assert not [name for name in cache_of_ours.left() if "-1" in name or "0123" in name]


def test_kinds_and_days(cache_of_ours, clean):
    for name in ENTRIES:
        cache_of_ours.add(name, 3)
    clean("modules", "logs", "--unused", "2").ok()
    assert cache_of_ours.left() == sorted(set(ENTRIES) - {"modules/poc-1", "logs/debug-0123.log"})
    clean("-u", "0").ok()
    assert cache_of_ours.left() == []
    assert clean().ok().stdout == "there is nothing in the cache\n"


def test_the_reading_of_an_image_is_a_use(cache_of_ours, clean):
    image = cache_of_ours.add("images/busybox-1.cpio", 40)
    os.utime(image, (time.time(), image.stat().st_mtime))
    assert " kept " in clean().ok().stdout


def test_what_is_held_stays(cache_of_ours, clean):
    held = [os.open(cache_of_ours.add(name, 99), os.O_RDONLY)
            for name in ("kernels/debug-1", "images/busybox-1.cpio")]
    for fd in held:
        fcntl.flock(fd, fcntl.LOCK_SH)
    listed = clean("--json").json()
    assert [(entry["kind"], entry["verdict"]) for entry in listed] == [
        ("kernels", "in use"), ("images", "in use")]
    assert len(cache_of_ours.left()) == 2
    for fd in held:
        os.close(fd)
    assert clean().ok().stdout.count(" removed ") == 2


def test_what_is_being_made_stays(cache_of_ours, clean):
    for name in ENTRIES + ["kernels/.0123abc.part", "modules/poc-2.part", "sources/linux-2.part",
                           "builds/0123.lock", "modules/poc-2.lock",
                           "logs/disk-x-0.log", "builds/disk-x-0.lock",
                           f"images/a.cpio.{os.getpid()}.part", "images/b.cpio.0.part"]:
        cache_of_ours.add(name, 99)
    with open(cache_of_ours.folder / "builds/0123.lock", encoding="ascii") as build, \
            open(cache_of_ours.folder / "builds/disk-x-0.lock", encoding="ascii") as disk, \
            open(cache_of_ours.folder / "modules/poc-2.lock", encoding="ascii") as module:
        fcntl.flock(build, fcntl.LOCK_EX)
        fcntl.flock(module, fcntl.LOCK_EX)
        fcntl.flock(disk, fcntl.LOCK_EX)
        clean().ok()
        assert cache_of_ours.left() == sorted([
            "builds/0123", "builds/0123.lock", "builds/disk-x-0.lock", "logs/debug-0123.log",
            "logs/disk-x-0.log", "sources/linux-1",
            "sources/linux-2.part", "kernels/.0123abc.part", "modules/poc-2.part",
            "modules/poc-2.lock", f"images/a.cpio.{os.getpid()}.part"])
    clean().ok()
    assert cache_of_ours.left() == sorted([
        "builds/0123.lock", "builds/disk-x-0.lock", "modules/poc-2.lock", f"images/a.cpio.{os.getpid()}.part"])


def test_a_cache_that_is_none(cache_of_ours, clean):
    cache_of_ours.add("kernels/debug-1", 99)
    (cache_of_ours.folder / "modules").write_text("")
    assert clean().exited(1).stderr == (
        f"netlab: {cache_of_ours.folder}/modules: Not a directory\n")


def test_words_that_are_wrong(clean):
    assert "'all' is not kernels, images, modules" in clean("all").exited(2).stderr
    for days in ("-1", "x", "1d", "", "40000"):
        assert "it is a number of days, 0 to 36500" in clean("--unused", days).exited(2).stderr
