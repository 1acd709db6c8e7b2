"""The high-level commands of the unmodified aws CLI."""

import os
import urllib.request

import pytest

MIB = 1 << 20


@pytest.fixture(scope="module")
def bucket(server):
    server.aws("s3", "mb", "s3://by-cli")
    return "s3://by-cli"


def test_a_large_file_goes_up_and_comes_back(server, bucket, tmp_path):
    """20 MiB: the CLI uses multipart by itself, and ranges on the way back."""
    source = tmp_path / "large"
    source.write_bytes(os.urandom(20 * MIB))
    server.aws("s3", "cp", str(source), f"{bucket}/large")
    head = server.aws("s3api", "head-object", "--bucket", "by-cli", "--key", "large")
    assert head["ContentLength"] == 20 * MIB and head["ETag"].endswith('-3"')
    server.aws("s3", "cp", f"{bucket}/large", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == source.read_bytes()
    # From bucket to bucket: parts are copied.
    server.aws("s3", "cp", f"{bucket}/large", f"{bucket}/copy")
    server.aws("s3", "mv", f"{bucket}/copy", f"{bucket}/moved")
    server.aws("s3", "cp", f"{bucket}/moved", str(tmp_path / "moved"))
    assert (tmp_path / "moved").read_bytes() == source.read_bytes()
    assert "copy" not in server.aws("s3", "ls", bucket)


def test_trees_are_synchronised(server, bucket, tmp_path):
    tree = tmp_path / "tree"
    names = ["one.txt", "sub/two.txt", "sub/with space & ü.txt", "sub/deep/three.txt"]
    for name in names:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(name)
        # S3 knows whole seconds only: a file of this very second would look newer than its copy.
        os.utime(tree / name, (1_750_000_000, 1_750_000_000))
    server.aws("s3", "sync", str(tree), f"{bucket}/tree")
    assert server.aws("s3", "sync", str(tree), f"{bucket}/tree").strip() == "", "nothing is left to do"
    server.aws("s3", "sync", f"{bucket}/tree", str(tmp_path / "back"))
    assert {str(p.relative_to(tmp_path / "back")) for p in (tmp_path / "back").rglob("*.txt")} == set(names)
    (tree / "one.txt").unlink()
    server.aws("s3", "sync", "--delete", str(tree), f"{bucket}/tree")
    listed = server.aws("s3", "ls", "--recursive", f"{bucket}/tree/")
    assert "one.txt" not in listed and "with space & ü.txt" in listed
    server.aws("s3", "sync", f"{bucket}/tree", f"{bucket}/twin")
    server.aws("s3", "mv", "--recursive", f"{bucket}/twin", f"{bucket}/moved-tree")
    assert "three.txt" in server.aws("s3", "ls", "--recursive", f"{bucket}/moved-tree/")
    server.aws("s3", "rm", "--recursive", f"{bucket}/moved-tree")
    assert "moved-tree" not in server.aws("s3", "ls", "--recursive", bucket)


def test_a_url_for_somebody_without_keys(server, bucket, tmp_path):
    (tmp_path / "file").write_text("for you")
    server.aws("s3", "cp", str(tmp_path / "file"), f"{bucket}/shared file")
    # Version 1 of the CLI still presigns with signature version 2 where it is not told otherwise; that one is not served.
    server.aws("configure", "set", "default.s3.signature_version", "s3v4")
    url = server.aws("s3", "presign", f"{bucket}/shared file").strip()
    assert urllib.request.urlopen(url).read() == b"for you"


def test_a_bucket_is_removed_with_what_is_in_it(server, tmp_path):
    server.aws("s3", "mb", "s3://doomed")
    (tmp_path / "file").write_text("x")
    server.aws("s3", "cp", str(tmp_path / "file"), "s3://doomed/a/file")
    assert "BucketNotEmpty" in server.aws("s3", "rb", "s3://doomed", fails=True)
    server.aws("s3", "rb", "--force", "s3://doomed")
    assert "doomed" not in server.aws("s3", "ls")


def test_calls_of_s3api(server, bucket):
    """Documents as the CLI writes and reads them."""
    server.aws("s3api", "put-object", "--bucket", "by-cli", "--key", "k", "--tagging", "a=b")
    assert server.aws("s3api", "get-object-tagging", "--bucket", "by-cli", "--key", "k")["TagSet"] == [{"Key": "a", "Value": "b"}]
    server.aws("s3api", "put-bucket-tagging", "--bucket", "by-cli", "--tagging", "TagSet=[{Key=x,Value=y}]")
    assert server.aws("s3api", "get-bucket-tagging", "--bucket", "by-cli")["TagSet"] == [{"Key": "x", "Value": "y"}]
    server.aws("s3api", "copy-object", "--bucket", "by-cli", "--key", "k2", "--copy-source", "by-cli/k")
    done = server.aws("s3api", "delete-objects", "--bucket", "by-cli", "--delete", "Objects=[{Key=k},{Key=k2}]")
    assert [d["Key"] for d in done["Deleted"]] == ["k", "k2"]
    assert server.aws("s3api", "get-bucket-acl", "--bucket", "by-cli")["Grants"][0]["Permission"] == "FULL_CONTROL"
    assert server.aws("s3api", "get-bucket-versioning", "--bucket", "by-cli") in ("", {})
