# SPDX-License-Identifier: GPL-2.0-or-later
"""bootstrap on machines of all kinds: a copy of it, with stand-ins for the programs that say
what is installed and that install it."""
import os
import shutil

import pytest

TOOLS = ["bash", "cat", "dirname", "env", "grep", "mkdir", "sed", "sh", "tail", "tee"]
DPKG_QUERY = """#!/bin/sh
# Knows every package as installed but those in the file "missing".
shift 3
for name; do
	grep -qx "$name" missing && echo "$name not-installed" || echo "$name installed"
done
"""
APT_GET = """#!/bin/sh
echo "$DEBIAN_FRONTEND $*" >>calls
echo "what apt-get has to say"
[ ! -e broken ] || exit 100
[ "$(eval echo \\${$#})" = update ] || : >missing
echo "dlstatus:1:40.5:Retrieving gdb" >&3
echo "pmstatus:gdb:80.0:Unpacking gdb" >&3
"""
MESON = """#!/bin/sh
echo "meson: $*"
exit 1
"""


class Machine:
    def __init__(self, folder, source, run):
        self.folder = folder
        self.run_program = run
        self.bin = folder / "bin"
        self.bin.mkdir()
        shutil.copy(source / "bootstrap", folder)
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool))

    def add(self, name, text):
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def missing(self, *names):
        (self.folder / "missing").write_text("".join(name + "\n" for name in names))

    def calls(self):
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def bootstrap(self, *words, root=None):
        # root True or False: as seen in a user namespace, whoever we are outside.
        prefix = {None: [], True: [shutil.which("unshare"), "--map-root-user"],
                  False: [shutil.which("unshare"), "--user"]}[root]
        return self.run_program(*prefix, self.folder / "bootstrap", *words,
                                env={**os.environ, "PATH": str(self.bin)})


@pytest.fixture
def machine(source, run, tmp_path):
    return Machine(tmp_path, source, run)


@pytest.fixture
def debian(machine):
    machine.add("dpkg-query", DPKG_QUERY)
    machine.add("apt-get", APT_GET)
    machine.add("meson", MESON)
    machine.missing()
    return machine


def test_alone_it_explains_both_verbs(machine):
    text = machine.bootstrap().ok().stdout
    assert "\n  demo " in text and "\n  test " in text
    assert set(machine.folder.iterdir()) == {machine.bin, machine.folder / "bootstrap"}


def test_a_wrong_verb_is_misuse(machine):
    assert "no verb 'dmeo'" in machine.bootstrap("dmeo").exited(2).stderr


def test_elsewhere_than_on_debian_it_lists_what_is_needed(machine):
    result = machine.bootstrap("demo").exited(1)
    assert "not a Debian system" in result.stderr
    assert "qemu-system-x86" in result.stderr and "libfyaml-dev" in result.stderr


def test_without_the_right_to_install_it_says_what_and_how(debian):
    debian.missing("gdb", "lz4", "tshark")
    debian.add("sudo", "#!/bin/sh\nexit 1\n")
    result = debian.bootstrap("demo", root=False).exited(1)
    assert "2 Debian packages are missing: lz4 gdb\n" in result.stderr
    assert "\n  apt-get update && apt-get install --no-install-recommends lz4 gdb\n" in result.stderr
    assert debian.calls() == []


def test_it_is_the_same_without_sudo(debian):
    debian.missing("gdb")
    result = debian.bootstrap("demo", root=False).exited(1)
    assert "apt-get install --no-install-recommends gdb\n" in result.stderr


def test_root_installs_what_is_missing_after_saying_so(debian):
    debian.missing("gdb", "tshark")
    result = debian.bootstrap("test", root=True).exited(1)
    assert "2 Debian packages are missing: gdb tshark\n" in result.stderr
    update, install = debian.calls()
    assert update.startswith("noninteractive ") and update.endswith(" update")
    assert install.startswith("noninteractive ")
    assert install.endswith(" install -y --no-install-recommends gdb tshark")
    assert "  40% packages\n  80% packages\n" in result.stderr
    assert "what apt-get has to say" not in result.stderr.partition("meson setup failed")[0]


def test_a_user_with_sudo_installs_through_it(debian):
    debian.missing("gdb")
    debian.add("sudo", '#!/bin/sh\n[ "$1" != -n ] || shift\necho "$*" >>sudo-calls\n'
                       '[ "$1" = true ] || exec "$@"\n')
    debian.add("true", "#!/bin/sh\n")
    debian.bootstrap("demo", root=False).exited(1)
    assert debian.calls()[-1].endswith(" install -y --no-install-recommends gdb")
    assert "apt-get" in (debian.folder / "sudo-calls").read_text()


def test_where_all_is_installed_nothing_is_fetched(debian):
    result = debian.bootstrap("demo", root=True).exited(1)
    assert "all packages are installed" in result.stderr
    assert debian.calls() == []
    assert "meson setup failed" in result.stderr and "meson: setup build -Dtests=false" \
        in result.stderr


def test_a_set_up_that_fails_ends_with_the_summary(debian):
    debian.missing("gdb")
    (debian.folder / "broken").touch()
    result = debian.bootstrap("test", root=True).exited(1)
    assert result.stdout.endswith("\n0 passed, 1 failed, 0 skipped\n")
    (debian.folder / "broken").unlink()
    result = debian.bootstrap("test", root=True).exited(1)
    assert "meson setup failed" in result.stderr
    assert result.stdout.endswith("\n0 passed, 1 failed, 0 skipped\n")
    assert "skipped" not in debian.bootstrap("demo", root=True).exited(1).stdout


def test_packages_of_test_are_not_wanted_by_demo(debian):
    debian.missing("tshark", "python3-pytest")
    assert "all packages are installed" in debian.bootstrap("demo", root=True).stderr
    assert "2 Debian packages are missing" in debian.bootstrap("test", root=True).stderr


def test_when_apt_fails_its_words_are_shown(debian):
    debian.missing("gdb")
    (debian.folder / "broken").touch()
    result = debian.bootstrap("demo", root=True).exited(1)
    assert "apt-get update failed" in result.stderr
    assert "| what apt-get has to say" in result.stderr
