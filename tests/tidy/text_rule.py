"""Rules about plain text: what must never be committed."""

import json
import re

from tests.tidy.source import Source

# Put together from pieces, or these patterns would find themselves.
_FORBIDDEN = {
    "a path of one machine": re.compile(r"(?<![\w.\-/:<>{}])/(?:" + "work|root|home|tmp|Users" + r")/[\w.{]"),
    "a registry's address": re.compile(
        "|".join(
            ["pypi" + r"\.org", "pythonhosted" + r"\.org", "registry" + r"\.npmjs", "deb" + r"\.debian\.org"]
        )
    ),
    "a private key": re.compile("-----BEGIN " + r"(?:[A-Z]+ )?PRIVATE KEY"),
    "a token": re.compile(r"\b(?:" + "ghp_|xox[bp]-|sk_live_|AKIA" + r")[A-Za-z0-9]{10,}"),
}
_URL = re.compile(r"\b[a-z][a-z0-9+]*://[^\s\"']+", re.IGNORECASE)


def list_forbidden_texts(sources: list[Source]) -> list[str]:
    """Machine paths, registry addresses and secrets in any text file."""
    return [
        f"{source.path}:{number}: {what}: {found[0]}"
        for source in sources
        for number, line in enumerate(source.text.splitlines(), start=1)
        for what, pattern in _FORBIDDEN.items()
        if (found := pattern.search(line))
    ]


def list_lock_addresses(sources: list[Source]) -> list[str]:
    """Addresses in lock files: a lock says what a package is, never where it lies, so any mirror will do."""
    breaches = []
    for source in sources:
        if source.path.endswith(".json"):
            for name, package in json.loads(source.text)["packages"].items():
                facts = {key: value for key, value in package.items() if key != "funding"}
                breaches.extend(f"{source.path}: {name}: {url}" for url in _URL.findall(json.dumps(facts)))
                if name and "integrity" not in package:
                    breaches.append(f"{source.path}: {name}: no integrity")
            continue
        for number, line in enumerate(source.text.splitlines(), start=1):
            if _URL.search(line) or re.match(r"\s*(-i|-f|--(extra-)?index-url|--find-links|-e)\b", line):
                breaches.append(f"{source.path}:{number}: {line.strip()}")
            if re.match(r"[A-Za-z0-9]", line) and not re.match(r"[\w.\-\[\]]+==[^\s;]+( ; .+)? \\$", line):
                breaches.append(f"{source.path}:{number}: not pinned with a hash: {line.strip()}")
    return breaches
