"""Writes the bill of materials of the program as CycloneDX JSON, the same bytes for the same lock file, and validates it strictly.

    sbom_cyclonedx.py OUTPUT.json TARGET…     the crates that are linked on any of these targets

Run it by `make sbom`, which brings CycloneDX's library along.
"""
import re
import sys
import tomllib
import uuid

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

import linked


def component(package, checksum, kind):
    purl = PackageURL("cargo", name=package["name"], version=package["version"])
    # Old crates write `MIT/Apache-2.0`, which the standard calls `OR`.
    expression = re.sub(r"\s*/\s*", " OR ", package["license"])
    made = Component(name=package["name"], version=package["version"], type=kind, purl=purl, bom_ref=str(purl), description=package["description"],
                     licenses=[LicenseFactory().make_from_string(expression)])
    if checksum:
        made.hashes.add(HashType(alg=HashAlgorithm.SHA_256, content=checksum))
    if package["repository"]:
        made.external_references.add(ExternalReference(type=ExternalReferenceType.VCS, url=XsUri(package["repository"])))
    return made


def bill(targets):
    lock = (linked.ROOT / "Cargo.lock").read_bytes()
    checksums = {(entry["name"], entry["version"]): entry.get("checksum") for entry in tomllib.loads(lock.decode())["package"]}
    bom, packages, needs = Bom(), {}, {}
    for target in targets:
        own, found, graph = linked.linked(target)
        packages |= {package["id"]: package for package in found}
        for package in [own, *found]:
            needs.setdefault(package["id"], set()).update(graph[package["id"]])
    # No time, and a serial number that follows from the content: a build again is the same bill.
    bom.metadata.timestamp = None
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_OID, " ".join(targets) + lock.hex())
    parts = {id: component(package, checksums[package["name"], package["version"]], ComponentType.LIBRARY) for id, package in packages.items()}
    bom.metadata.component = root = component(own, None, ComponentType.APPLICATION)
    for part in parts.values():
        bom.components.add(part)
    for id, part in [(own["id"], root), *parts.items()]:
        bom.register_dependency(part, [parts[need] for need in needs[id]])
    return bom


def main():
    if len(sys.argv) < 3 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    bom = bill(sys.argv[2:])
    text = JsonV1Dot6(bom).output_as_string(indent=2) + "\n"
    wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if wrong:
        sys.exit(f"error: the bill of materials is not valid CycloneDX 1.6: {wrong}")
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write(text)
    print(f"{sys.argv[1]}: CycloneDX 1.6, {len(bom.components)} components", file=sys.stderr)


if __name__ == "__main__":
    main()
