# SPDX-License-Identifier: GPL-2.0-or-later
"""What is written about netlab is what netlab does: --help, the manual, README and bootstrap
agree."""
import re
import subprocess

import pytest

OPTION = re.compile(r"(?<![\w-])(--[a-z][a-z0-9-]*|-[A-Za-z0-9])(?![\w-])")
KNOWN_TO_ALL = {"-h", "--help", "-v", "--verbose"}


@pytest.fixture(scope="module")
def manual(source):
    """Each verb of netlab.1 with the text of its section, as mandoc shows it."""
    text = subprocess.run(["mandoc", "-T", "ascii", "-O", "width=400", "docs/netlab.1"],
                          cwd=source, capture_output=True, text=True, timeout=30,
                          check=True).stdout
    text = re.sub(r".\x08", "", text)
    sections = dict(re.findall(r"^([A-Z][A-Z ]+)\n(.*?)(?=^\S)", text, re.M | re.S))
    return {title.split()[0]: body for title, body in
            re.findall(r"^   (\S[^\n]*)\n(.*?)(?=^   \S|\Z)", sections["VERBS"], re.M | re.S)}


def options_of_help(text):
    found = set()
    for line in text.partition("\nOptions:\n")[2].splitlines():
        left = re.match(r"  (?:(-.), |    )(--[a-z0-9-]+)", line)
        assert left, f"no option: {line}"
        found.update(filter(None, left.groups()))
    return found - KNOWN_TO_ALL


def test_every_verb_is_in_the_manual(verbs, manual):
    assert set(verbs) <= set(manual)


def test_every_verb_of_the_manual_is_declared(source, manual):
    header = (source / "netlab/command/command.h").read_text()
    assert set(re.findall(r"^extern const struct verb verb_(\w+);", header, re.M)) == set(manual)


def test_every_option_is_in_the_manual(verbs, manual):
    missing = [f"{verb} {option}" for verb, text in verbs.items()
               for option in sorted(options_of_help(text))
               if option not in OPTION.findall(manual[verb])]
    assert not missing


def test_every_option_of_the_manual_is_there(verbs, manual):
    # An option's own paragraph begins with it.
    surplus = []
    for verb in verbs:
        for line in re.findall(r"^ {5}(-.*)$", manual[verb], re.M):
            head = re.split(r"  |(?<=\w) (?=[A-Z])", line)[0]
            surplus += [f"{verb} {option}" for option in OPTION.findall(head)
                        if option not in options_of_help(verbs[verb])]
    assert not surplus


def test_synopsis_names_every_verb(source, manual):
    text = (source / "docs/netlab.1").read_text()
    assert re.findall(r"^\.Nm netlab Cm (\w+)", text, re.M) == list(manual)


def test_readme_and_bootstrap_name_the_same_packages(source, run):
    listed = [tuple(line.split(None, 2)) for line in
              run(source / "bootstrap", "packages").ok().stdout.splitlines()]
    assert len(listed) > 20
    rows = re.findall(r"^\| `([^`]+)` \| (demo|test|large) \| (.+?) \|$",
                      (source / "README.md").read_text(), re.M)
    assert [(verb, name, why) for name, verb, why in rows] == listed


def test_every_library_of_meson_has_its_package(source, run):
    modules = re.findall(r"^  dependency\('([^']+)'\)", (source / "meson.build").read_text(), re.M)
    assert len(modules) > 8
    packages = [line.split()[1] for line in
                run(source / "bootstrap", "packages").ok().stdout.splitlines()
                if not line.startswith("large ")]
    depends = run("dpkg-query", "-W", "-f", "${Package}, ${Depends}, ", *packages).ok().stdout
    brought = {name.split()[0].split(":")[0] for name in depends.split(", ") if name.strip()}
    for module in modules + ["cmocka"]:
        folder = run("pkg-config", "--variable=pcfiledir", module).ok().stdout.strip()
        owner = run("dpkg-query", "-S", f"{folder}/{module}.pc").ok().stdout.split(":")[0]
        assert owner in brought, f"{module} comes from {owner}"


def test_readme_mentions_files_that_exist(source):
    for name in ["README.md", "CONTRIBUTING.md", "docs/architecture.md"]:
        folder = (source / name).parent
        for link in re.findall(r"\]\(([^)#:]+)\)", (source / name).read_text()):
            assert (folder / link).exists(), f"{name}: {link}"
