"""The crates that are linked into the program of the image: those of the lock file without build, test and macro dependencies."""
import json
import pathlib
import subprocess

# As build/image builds it.
FEATURES = ("--no-default-features",)
ROOT = pathlib.Path(__file__).resolve().parents[1]


def cargo(*arguments):
    return subprocess.run(["cargo", *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def linked(target):
    """The packages as `cargo metadata` describes them, ordered by name and version: ours, those linked into it, and for each the linked
    ones that it depends on."""
    metadata = json.loads(cargo("metadata", "--locked", *FEATURES, "--format-version", "1", "--filter-platform", target))
    known = {(package["name"], package["version"]): package for package in metadata["packages"]}
    # `cargo tree` and not the graph of the metadata, which has the features and dependencies of tests in it.
    lines = cargo("tree", "--locked", *FEATURES, "--target", target, "--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}").splitlines()
    names = sorted({(line.split()[0], line.split()[1].removeprefix("v")) for line in lines if line})
    own = known[("claudeprobe", metadata_version(metadata))]
    packages = [known[name] for name in names if known[name]["id"] != own["id"]]
    ids = {package["id"] for package in packages}
    needs = {node["id"]: sorted(ids.intersection(node["dependencies"])) for node in metadata["resolve"]["nodes"]}
    return own, packages, needs


def metadata_version(metadata):
    return next(package["version"] for package in metadata["packages"] if package["id"] == metadata["resolve"]["root"])
