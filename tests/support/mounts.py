"""Folders as Kubernetes mounts them."""

from pathlib import Path


def mount(files: dict[str, bytes], folder: Path) -> None:
    """Lays out a ConfigMap as the kubelet does: links to a hidden folder, so that all files change at one moment."""
    version = folder / "..2026_11_24_14_00_00.123456789"
    for name, content in files.items():
        file = version / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    (folder / "..data").symlink_to(version.name)
    for name in {name.partition("/")[0] for name in files}:
        (folder / name).symlink_to(Path("..data") / name)


def files_of(folder: Path) -> dict[str, bytes]:
    """The contents of all files below `folder`, by relative path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
