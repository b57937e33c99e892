"""scripts/sbom: what it writes of the built programs is a document of SPDX 2.3, and names what they really load."""

import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = [shutil.which(os.environ.get(name, name.lower())) for name in ("RENSAD", "RENSA")]
ID = re.compile(r"SPDXRef-[A-Za-z0-9.-]+")
LICENCE = re.compile(r"LicenseRef-[A-Za-z0-9.-]+|[A-Za-z0-9.-]+\+?")


def sbom(*words, **variables):
    environment = {"PATH": os.environ["PATH"], "SOURCE_DATE_EPOCH": "1790000000"} | variables
    return subprocess.run([TOP / "scripts/sbom", *words], capture_output=True, text=True, timeout=120, env=environment)


@pytest.fixture(scope="module")
def document():
    if not shutil.which("dpkg-query"):
        pytest.skip("needs dpkg, which knows the packages of libraries")
    done = sbom("--version", "1.2.3", *PROGRAMS)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return json.loads(done.stdout)


def libraries(document):
    return {each["name"]: each for each in document["packages"] if each["primaryPackagePurpose"] == "LIBRARY"}


def test_the_document_says_what_it_is(document):
    assert document["spdxVersion"] == "SPDX-2.3"
    assert document["dataLicense"] == "CC0-1.0"
    assert document["SPDXID"] == "SPDXRef-DOCUMENT"
    assert document["name"] == "rensad-rensa-1.2.3"
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", document["documentNamespace"])
    assert document["creationInfo"] == {"created": "2026-09-21T14:13:20Z", "creators": ["Tool: rensa-scripts-sbom"]}


def test_every_package_has_what_the_format_asks_for_and_an_id_of_its_own(document):
    ids = [each["SPDXID"] for each in document["packages"]]
    assert len(ids) == len(set(ids)) > 4
    for each in document["packages"]:
        assert ID.fullmatch(each["SPDXID"])
        assert each["name"] and each["versionInfo"]
        assert each["downloadLocation"] == "NOASSERTION"
        assert each["filesAnalyzed"] is False
        assert each["copyrightText"] and each["licenseConcluded"]
        for checksum in each.get("checksums", []):
            assert checksum["algorithm"] == "SHA256" and re.fullmatch(r"[0-9a-f]{64}", checksum["checksumValue"])


def test_relationships_are_between_what_is_there(document):
    ids = {each["SPDXID"] for each in document["packages"]} | {document["SPDXID"]}
    seen = [(each["spdxElementId"], each["relationshipType"], each["relatedSpdxElement"]) for each in document["relationships"]]
    assert len(seen) == len(set(seen))
    assert {one for one, _, _ in seen} | {other for _, _, other in seen} == ids, "nothing stands alone, nothing is missing"
    assert {kind for _, kind, _ in seen} == {"DESCRIBES", "DYNAMIC_LINK"}
    assert [(one, other) for one, kind, other in seen if kind == "DESCRIBES"] == [
        ("SPDXRef-DOCUMENT", "SPDXRef-Program-rensa"),
        ("SPDXRef-DOCUMENT", "SPDXRef-Program-rensad"),
    ]


def test_licences_are_expressions_and_every_reference_has_its_text(document):
    declared = [each["licenseDeclared"] for each in document["packages"]]
    used = {name for each in declared for name in LICENCE.findall(each)} - {"AND", "OR", "NOASSERTION"}
    for each in declared:
        names = [word for word in re.split(r"[()\s]+| AND | OR ", each) if word not in ("", "AND", "OR")]
        assert all(LICENCE.fullmatch(name) for name in names), each
    texts = {each["licenseId"]: each["extractedText"] for each in document["hasExtractedLicensingInfos"]}
    assert texts.keys() == {name for name in used if name.startswith("LicenseRef-")}
    assert all(texts.values())
    # From a file that a machine can read.
    assert libraries(document)["libjansson4"]["licenseDeclared"] == "MIT"


def test_it_names_the_packages_of_all_that_the_programs_load(document):
    for stem in "libc6", "libevent-", "libinih", "libjansson", "libsecp256k1-", "libssl":
        assert any(name.startswith(stem) for name in libraries(document)), stem
    for name, library in libraries(document).items():
        said = subprocess.run(["dpkg-query", "-W", "-f", "${Version}\n", name], capture_output=True, text=True, check=True).stdout
        assert library["versionInfo"] in said.split()
        assert library["externalRefs"][0]["referenceLocator"].startswith(f"pkg:deb/debian/{name}@")


def test_the_same_programs_give_the_same_bytes_and_other_ones_another_name(document):
    again = sbom("--version", "1.2.3", *PROGRAMS).stdout
    assert json.loads(again) == document
    assert again == sbom("--version", "1.2.3", *PROGRAMS, TZ="Asia/Tokyo", LC_ALL="C.UTF-8", HOME="/nonexistent").stdout
    other = json.loads(sbom("--version", "1.2.4", *PROGRAMS).stdout)
    assert other["documentNamespace"] != document["documentNamespace"]


def test_it_writes_a_file_and_names_what_it_cannot_read(tmp_path, document):
    file = tmp_path / "out.json"
    assert sbom("--output", file, PROGRAMS[0]).returncode == 0
    assert json.loads(file.read_text())["name"].startswith("rensad-")
    missing = sbom(tmp_path / "nothing")
    assert missing.returncode == 1 and missing.stderr == f"sbom: there is no program {tmp_path}/nothing\n"
    (tmp_path / "text").write_text("no program")
    assert sbom(tmp_path / "text").stderr.startswith("sbom: ldd cannot read ")
