"""What must be known of a machine to judge figures that were measured on it."""

import os
import pathlib
import platform
import re
import subprocess
import time

# Of what the processor knows, what our inner loops and our libraries' ask for.
FLAGS = ("sha_ni", "avx2", "avx512f", "avx512bw", "bmi2", "adx", "pclmulqdq", "sse4_2", "vaes")


def said(*command, default="unknown"):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() or default
    except (OSError, subprocess.CalledProcessError):
        return default


def processor():
    """Its name and its flags, as Linux tells them."""
    fields = {}
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    return fields.get("model name", platform.machine()), fields.get("flags", fields.get("Features", "")).split()


def disk(folder):
    """The file system that a folder lies on, its device, and whether that turns."""
    source, kind = said("findmnt", "-n", "-o", "SOURCE,FSTYPE", "-T", folder, default="unknown unknown").split()[:2]
    turns = said("lsblk", "-n", "-d", "-o", "ROTA", source.partition("[")[0]).strip()
    return f"{kind} on {source}" + {"1": ", said to turn", "0": ", solid state"}.get(turns, "")


def describe(top, build):
    name, flags = processor()
    cores = len(re.findall(r"^processor\s*:", pathlib.Path("/proc/cpuinfo").read_text(), re.M))
    memory_kib = int(re.search(r"MemTotal: +(\d+)", pathlib.Path("/proc/meminfo").read_text())[1])
    libraries = ("libevent", "libsecp256k1", "libcrypto", "jansson")
    surroundings = said("systemd-detect-virt", default="no virtual machine")
    return {
        "cpu": name,
        "cores": cores,
        "flags": [flag for flag in FLAGS if flag in flags],
        "memory": f"{memory_kib / 2**20:.0f} GiB",
        "virtual": surroundings,
        "kernel": platform.release(),
        "disk": disk(build),
        "compiler": said("gcc", "--version").splitlines()[0],
        "libraries": {library: said("pkg-config", "--modversion", library) for library in libraries},
        "nginx": said("sh", "-c", "/usr/sbin/nginx -v 2>&1").rpartition("/")[2],
        "wrk": said("dpkg-query", "-W", "-f", "${Version}", "wrk"),
        "load": round(os.getloadavg()[2], 1),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "commit": said("git", "-C", top, "describe", "--always", "--dirty", "--abbrev=12"),
    }


def kind(machine):
    """A file's name for machines whose figures may be compared."""
    name = re.sub(r"\(\w+\)|\bcpu\b|\bprocessor\b|@.*", " ", machine["cpu"].lower())
    return "-".join([*re.findall(r"[a-z0-9]+", name), str(machine["cores"]), "cores"])
