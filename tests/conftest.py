# SPDX-License-Identifier: GPL-2.0-or-later
"""What the end-to-end tests share.

pytest is run with NETLAB_BUILD naming a build directory. Around each test it is checked that
netlab left nothing behind: no process, no link, no mounted namespace, no file of a lab, and no
report of a sanitizer, be it of a supervisor that no one listens to.
"""
import ctypes
import json
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

SOURCE = pathlib.Path(__file__).resolve().parent.parent
PR_SET_CHILD_SUBREAPER = 36
CLONE_NEWNS = 0x20000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
LEFTOVER_SECONDS = 10
REPORTS = pathlib.Path(tempfile.mkdtemp(prefix="nlsan"))


def call(libc, name, *arguments):
    if getattr(libc, name)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), name)


def cover_runtime_folder(libc):
    """A /run/netlab of the tests' own: the labs that root has up, and those of another run of
    the suite, are none of their business."""
    call(libc, "unshare", CLONE_NEWNS)
    call(libc, "mount", b"none", b"/", None, MS_REC | MS_PRIVATE, None)
    os.makedirs("/run/netlab", mode=0o700, exist_ok=True)
    call(libc, "mount", b"netlab-tests", b"/run/netlab", b"tmpfs", 0, b"mode=0700")


def collect_reports():
    """What a sanitizer finds in any process ends it, and goes into a folder that is looked at
    after each test. The processes of ordinary users write there, too."""
    REPORTS.chmod(0o1777)
    for variable, options in [("ASAN_OPTIONS", ""), ("UBSAN_OPTIONS", ":print_stacktrace=1")]:
        given = os.environ.get(variable)
        os.environ[variable] = (f"{given + ':' if given else ''}halt_on_error=1"
                                f":log_path={REPORTS / variable[:-8].lower()}{options}")


def pytest_configure(config):
    del config
    # A shell's background job and nohup(1) have them ignored, which tests would hand down.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    # Orphans become children of pytest, so that none of them is overlooked.
    libc = ctypes.CDLL(None, use_errno=True)
    call(libc, "prctl", PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    if os.geteuid() == 0:
        cover_runtime_folder(libc)
    collect_reports()


def pytest_unconfigure(config):
    del config
    shutil.rmtree(REPORTS)


# --- what there is ------------------------------------------------------------------------------

@pytest.fixture(scope="session")
def source():
    """The source tree."""
    return SOURCE


@pytest.fixture(scope="session")
def build():
    """The build directory."""
    path = pathlib.Path(os.environ.get("NETLAB_BUILD", SOURCE / "build-dev"))
    if not (path / "netlab" / "netlab").exists():
        pytest.exit(f"no netlab in {path}: set NETLAB_BUILD to a build directory", 1)
    return path


@pytest.fixture(scope="session")
def netlab(build):
    """The path of the netlab under test."""
    return str(build / "netlab" / "netlab")


@pytest.fixture(scope="session")
def verbs(netlab):
    """Every verb that netlab has, with the text of its --help."""
    text = subprocess.run([netlab, "--help"], capture_output=True, text=True, timeout=60,
                          check=True).stdout
    names = re.findall(r"^  ([a-z]+) +\S", text.partition("'netlab VERB")[0], re.M)
    return {name: subprocess.run([netlab, name, "--help"], capture_output=True, text=True,
                                 timeout=60, check=True).stdout for name in names}


@pytest.fixture(scope="session")
def cache():
    """The XDG_CACHE_HOME that holds the kernels and images that were built."""
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")


@pytest.fixture(scope="session")
def kernel(netlab):
    """The folder of the debug kernel, with its vmlinux; tests that boot a guest ask for it."""
    result = subprocess.run([netlab, "kernel", "path"], capture_output=True, text=True,
                            timeout=60, check=False)
    if result.returncode != 0:
        pytest.skip(f"no debug kernel: {result.stderr.strip()}")
    return pathlib.Path(result.stdout.strip()).parent


@pytest.fixture
def fresh_home(monkeypatch, cache):
    """Runtime and state folders of this test's own; the cache stays. Its path is short, as a
    socket's must be."""
    home = pathlib.Path(tempfile.mkdtemp(prefix="nl"))
    for variable, name in [("NETLAB_RUNTIME_DIR", "run"), ("XDG_STATE_HOME", "state")]:
        (home / name).mkdir(mode=0o700)
        monkeypatch.setenv(variable, str(home / name))
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    yield home
    shutil.rmtree(home)


def runtime_folder():
    if ours := os.environ.get("NETLAB_RUNTIME_DIR"):
        return pathlib.Path(ours)
    if os.geteuid() == 0:
        return pathlib.Path("/run/netlab")
    base = os.environ.get("XDG_RUNTIME_DIR", "")
    return pathlib.Path(base, "netlab") if base.startswith("/") else pathlib.Path(
        f"/tmp/netlab-{os.getuid()}")


@pytest.fixture
def runtime():
    """netlab's runtime folder, in which each lab has its own."""
    return runtime_folder()


# --- running things -----------------------------------------------------------------------------

class Finished(subprocess.CompletedProcess):
    """A CompletedProcess that can be told what to have been."""

    def ok(self):
        return self.exited(0)

    def exited(self, status):
        assert self.returncode == status, (
            f"{self.args}: exit status {self.returncode}, not {status}\n"
            f"--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}")
        return self

    def json(self):
        return json.loads(self.ok().stdout)


def kill_group(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


@pytest.fixture(scope="session")
def run():
    """run(*argv, deadline=60, input=None, **popen) -> Finished, with text in and out."""
    def run_with_deadline(*argv, deadline=60, input=None, **popen):
        argv = [str(word) for word in argv]
        stdin = subprocess.DEVNULL if input is None else subprocess.PIPE
        process = subprocess.Popen(argv, stdin=stdin, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, errors="replace",
                                   start_new_session=True, **popen)
        try:
            out, err = process.communicate(input, timeout=deadline)
        except subprocess.TimeoutExpired:
            kill_group(process)
            out, err = process.communicate(timeout=10)
            pytest.fail(f"{argv}: not done after {deadline} s\n--- stdout\n{out}\n"
                        f"--- stderr\n{err}")
        return Finished(argv, process.returncode, out, err)
    return run_with_deadline


# --- nothing is left behind ---------------------------------------------------------------------

def children():
    pids = set()
    for task in pathlib.Path("/proc/self/task").iterdir():
        try:
            pids.update(int(pid) for pid in (task / "children").read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            pass  # a thread that has ended meanwhile
    return pids


def describe(pid):
    try:
        words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        name = pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return f"{pid}"
    return f"{pid} ({name}) {b' '.join(words).decode(errors='replace')[:200]}"


def wait_for_end(pid, seconds):
    """Wait until a child has ended, and reap it; false when it lives on."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        if not select.select([fd], [], [], max(seconds, 0))[0]:
            return False
        os.waitpid(pid, 0)
    except ChildProcessError:
        pass
    finally:
        os.close(fd)
    return True


def leftover_processes(before):
    """Children that outlive the test. What was killed with its parent gets time to die; a
    reaped orphan may leave orphans of its own."""
    end = time.monotonic() + LEFTOVER_SECONDS
    while new := children() - before:
        stubborn = [pid for pid in new if not wait_for_end(pid, end - time.monotonic())]
        if stubborn:
            return stubborn
    return []


def kill_children(pids, before):
    described = [describe(pid) for pid in pids]
    while pids:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            wait_for_end(pid, LEFTOVER_SECONDS)
        pids = children() - before
    return described


def links():
    shown = subprocess.run(["ip", "-json", "link"], capture_output=True, text=True,
                           timeout=30, check=True).stdout
    return {f"link {link['ifindex']} {link['ifname']}" for link in json.loads(shown)}


def mounted_namespaces():
    lines = pathlib.Path("/proc/self/mountinfo").read_text().splitlines()
    return {f"mounted namespace {line.split()[4]}" for line in lines if " - nsfs " in line}


def lab_files():
    """What lies in the runtime folder: a folder for each lab."""
    folder = runtime_folder()
    return {f"{path}" for path in folder.iterdir()} if folder.is_dir() else set()


def take_reports():
    """What sanitizers reported since the last time. A process that is killed while it looks for
    its leaks leaves nothing but that its registers could not be read."""
    texts = []
    for path in sorted(REPORTS.iterdir()):
        text = path.read_text(errors="replace")
        if not re.fullmatch(r"(==\d+==Unable to get registers from thread \d+\.\n)+", text):
            texts.append(f"report of a sanitizer, {path.name}:\n{text}")
        path.unlink()
    return texts


def state():
    return links() | mounted_namespaces() | lab_files()


@pytest.fixture
def leftovers():
    """leftovers() -> what is left since the test began or it was last asked, in words; processes
    get time to end, and are ended then."""
    processes, before = children(), state()

    def look():
        left = kill_children(leftover_processes(processes), processes)
        return left + sorted(state() - before) + take_reports()
    return look


@pytest.fixture(autouse=True)
def nothing_left_behind(request):
    """Compares the machine before and after each test."""
    if "fresh_home" in request.fixturenames:
        request.getfixturevalue("fresh_home")  # first, so that it is still there at the end
    processes, before = children(), state()
    yield
    left = kill_children(leftover_processes(processes), processes)
    left += sorted(state() - before)
    left += [f"gone: {what}" for what in sorted(before - state())]
    left += take_reports()
    assert not left, "left behind:\n  " + "\n  ".join(left)
