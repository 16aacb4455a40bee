"""Packs at a revision of git: what git has, without touching what lies in the folder."""

import subprocess
from pathlib import Path

import pytest

from riskgate.revisions import RevisionError, pack_at
from support.packs import HEAD, write_pack

RULES = "- id: s.burst\n  when: tx_10m > params.most\n  params: {most: 2}\n  then: block\n"
LISTED = "- id: s.listed\n  when: ip in lists.bad\n  then: block\n"


def _git(folder: Path, *arguments: str) -> None:
    settings = ("-c", "user.name=tester", "-c", "user.email=tester@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *settings, *arguments], check=True, capture_output=True)


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A repository with two revisions of a pack in a folder, and a third state that is not committed."""
    folder = tmp_path / "packs" / "own pack"
    folder.mkdir(parents=True)
    write_pack(folder, RULES + LISTED, HEAD + "lists: {bad: {type: string, file: lists/bad.csv}}\n")
    (folder / "lists").mkdir()
    (folder / "lists" / "bad.csv").write_text("value,added_by,reason,expires_at\n10.0.0.1,me,test,\n")
    (tmp_path / ".gitattributes").write_text("*.csv export-ignore\n")
    _git(tmp_path, "init", "-q", "-b", "main")
    _git(tmp_path, "add", ".")
    _git(tmp_path, "commit", "-qm", "two")
    (folder / "rules.yml").write_text("rules:\n" + (RULES + LISTED).replace("most: 2", "most: 3"))
    _git(tmp_path, "commit", "-qam", "three")
    (folder / "rules.yml").write_text("rules:\n" + (RULES + LISTED).replace("most: 2", "most: 4"))
    return folder


def _most(place: str) -> object:
    found = pack_at(place, None)
    assert found is not None
    return found.rules[0].params["most"].value


def test_each_revision_has_its_own_pack(pack: Path) -> None:
    assert [_most(place) for place in (str(pack), f"{pack}@HEAD", f"{pack}@main~1")] == [4, 3, 2]
    status = subprocess.run(
        ["git", "-C", str(pack), "status", "--porcelain"], check=True, capture_output=True, text=True
    )
    assert status.stdout.strip() == 'M "packs/own pack/rules.yml"'


def test_a_revision_is_the_same_pack_as_its_folder(pack: Path) -> None:
    _git(pack, "checkout", "-q", "--", ".")
    there, then = pack_at(str(pack), None), pack_at(f"{pack}@HEAD", None)
    assert there is not None
    assert then is not None
    assert there.version == then.version
    assert (there.rules, there.features, there.lists) == (then.rules, then.features, then.lists)
    assert then.lists["bad"].entries.keys() == {"10.0.0.1"}


def test_a_folder_that_is_gone_is_still_in_its_revision(pack: Path) -> None:
    _git(pack.parent.parent, "rm", "-qrf", "packs")
    _git(pack.parent.parent, "commit", "-qm", "gone")
    assert not pack.exists()
    assert _most(f"{pack}@HEAD~1") == 3


def test_a_folder_with_an_at_sign_is_a_folder(pack: Path) -> None:
    named = pack.with_name("own pack@HEAD")
    pack.rename(named)
    assert _most(str(named)) == 4


def test_findings_name_the_revision(pack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (pack / "rules.yml").write_text("rules: [{id: a.b}]\n")
    _git(pack, "commit", "-qam", "broken")
    assert pack_at(f"{pack}@HEAD", None) is None
    assert f"--> {pack}@HEAD/rules.yml:1:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("revision", "said"),
    [
        ("nothing", "there is no such revision, or no such folder in it"),
        ("--output=x", "there is no such revision, or no such folder in it"),
        ("HEAD:packs", "there is no such revision, or no such folder in it"),
    ],
)
def test_what_is_no_revision_is_told(revision: str, said: str, pack: Path) -> None:
    with pytest.raises(RevisionError, match="git cannot read") as caught:
        pack_at(f"{pack}@{revision}", None)
    assert said in str(caught.value)


def test_what_is_no_repository_or_no_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(RevisionError, match="expected a folder, or FOLDER@REVISION of git, got"):
        pack_at(str(tmp_path / "nothing"), None)
    with pytest.raises(RevisionError, match="expected a folder, or FOLDER@REVISION of git, got"):
        pack_at(f"{tmp_path / 'nothing'}@", None)
    with pytest.raises(RevisionError, match=r"git cannot read .*: "):
        pack_at(f"{tmp_path}@HEAD", None)


def test_links_are_refused(pack: Path) -> None:
    (pack / "more.yml").symlink_to("/etc/passwd")
    _git(pack, "add", ".")
    _git(pack, "commit", "-qm", "a link")
    with pytest.raises(RevisionError, match=r"expected a pack of plain files in .*, got `more.yml`"):
        pack_at(f"{pack}@HEAD", None)
