//! `opentrail verify` on a copy of a bucket, as `aws s3 sync` would have made it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine;
use jiff::{SignedDuration, Timestamp};
use opentrail_digest::{Digest, DigestKey, Folder, LogFile, LogKey, SigningKey, gzip, sha256_hex};
use serde_json::{Value, json};

const FIRST: &str = "2026-01-01T15:29:23Z";

/// A copy with its keys and the signatures that it cannot hold.
struct Copy {
    place: tempfile::TempDir,
    digests: Vec<String>,
    log_files: Vec<String>,
}

impl Copy {
    /// Five digests in a row, with a log file each but for the first. Below `at` lies what lies in the bucket.
    fn make(at: &str) -> Self {
        let key = SigningKey::generate().expect("a key");
        let mut copy = Self { place: tempfile::tempdir().expect("a folder"), digests: vec![], log_files: vec![] };
        let first: Timestamp = FIRST.parse().expect("a time");
        let (mut previous, mut metadata) = (None, json!({}));
        for n in 0..5_i64 {
            let (start, end) = (first + SignedDuration::from_hours(n - 1), first + SignedDuration::from_hours(n));
            let mut log_files = Vec::new();
            if n > 0 {
                let json = format!("{{\"Records\":[{{\"n\":{n}}}]}}");
                let file = LogKey {
                    prefix: Some("p".into()),
                    organization: None,
                    account: "111122223333".parse().expect("an account"),
                    folder: Folder::CloudTrail,
                    region: "eu-west-1".parse().expect("a region"),
                    minute: start + SignedDuration::from_secs(337),
                    unique: format!("{n:016}"),
                };
                copy.put(at, &file.to_string(), &gzip(json.as_bytes()));
                copy.log_files.push(file.to_string());
                let (bucket, sha256_hex) = ("b".into(), sha256_hex(json.as_bytes()));
                log_files.push(LogFile { bucket, key: file.to_string(), sha256_hex, newest: start, oldest: start });
            }
            let name = DigestKey {
                prefix: Some("p".into()),
                organization: None,
                account: "111122223333".parse().expect("an account"),
                region: "eu-west-1".parse().expect("a region"),
                trail: "t".into(),
                home: "us-east-1".parse().expect("a region"),
                end,
                backfill: false,
            };
            let digest = Digest {
                account: name.account,
                start,
                end,
                bucket: "b".into(),
                key: name.to_string(),
                previous: previous.take(),
                log_files,
            };
            let signed = digest.sign(&key);
            copy.put(at, &digest.key, &signed.body);
            metadata[&digest.key] = signed.metadata.into_iter().collect();
            copy.digests.push(digest.key);
            previous = Some(signed.as_previous);
        }
        let keys = json!({ "PublicKeyList": [{
            "Value": base64::engine::general_purpose::STANDARD.encode(key.public().der()),
            "ValidityStartTime": "2026-01-01T00:00:00Z",
            "ValidityEndTime": 1_769_904_000.0,
            "Fingerprint": key.public().fingerprint(),
        }]});
        fs::write(copy.place.path().join("keys.json"), keys.to_string()).expect("a file");
        fs::write(copy.place.path().join("metadata.json"), metadata.to_string()).expect("a file");
        copy
    }

    fn path(&self, key: &str) -> PathBuf {
        self.place.path().join("copy").join(key)
    }

    fn put(&self, at: &str, key: &str, bytes: &[u8]) {
        let path = self.path(key.strip_prefix(at).expect("a key below it"));
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(path, bytes).expect("a file");
    }

    /// Exit code, standard output and standard error.
    fn verify(&self, words: &[&str]) -> (i32, String, String) {
        run(self.place.path(), &[&["verify", "copy", "--keys", "keys.json"], words].concat())
    }

    fn proven(&self) -> (i32, String, String) {
        self.verify(&["--metadata", "metadata.json"])
    }
}

fn run(place: &Path, words: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_opentrail"));
    let done = command.env_clear().current_dir(place).args(words).output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (done.status.code().expect("a code"), text(done.stdout), text(done.stderr))
}

#[test]
fn a_copy_is_proven_but_for_its_newest_digest() {
    let copy = Copy::make("");
    let (code, out, err) = copy.verify(&[]);
    assert_eq!((code, err.as_str()), (1, ""), "{out}");
    assert!(out.starts_with("copy, a copy of s3://b/\n"), "{out}");
    assert!(
        out.contains("4/5 digests valid, 3/4 log files valid, 1 digests NOT PROVEN, 1 log files NOT PROVEN"),
        "{out}"
    );
    assert_eq!(copy.verify(&["--allow-unproven"]).0, 0);
    let (code, out, _) = copy.proven();
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("5/5") && out.ends_with("Everything that was looked at is proven.\n"), "{out}");
    let (code, out, _) = copy.verify(&["--metadata", "metadata.json", "--format", "json"]);
    let json: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, json["Result"].as_str()), (0, Some("valid")));
    assert_eq!(json["Digests"], json!({ "Valid": 5, "NotProven": 0, "Invalid": 0 }));
    assert_eq!(json["Chains"][0]["ProvenUntil"], "2026-01-01T19:29:23Z");
    assert_eq!(json["Findings"], json!([]));
}

#[test]
fn a_copy_of_a_part_is_known_for_what_it_is() {
    for at in ["p/", "p/AWSLogs/", "p/AWSLogs/111122223333/"] {
        let (code, out, _) = Copy::make(at).proven();
        assert!(code == 0 && out.contains(&format!("a copy of s3://b/{at}\n")), "{out}");
    }
}

#[test]
fn what_was_done_to_it_is_told() {
    let told = |copy: &Copy| {
        let (code, out, err) = copy.proven();
        assert_eq!((code, err.as_str()), (1, ""));
        out
    };
    let copy = Copy::make("");
    let log = copy.path(&copy.log_files[1]);
    let whole = fs::read(&log).expect("a file");
    fs::write(&log, gzip(b"{\"Records\":[]}")).expect("a file");
    assert!(told(&copy).contains(&format!("s3://b/{}  was changed: hash value doesn't match", copy.log_files[1])));
    fs::write(&log, [&whole[..], &whole[..]].concat()).expect("a file");
    assert!(told(&copy).contains("has a second gzip member behind its end"));
    fs::write(&log, &whole).expect("a file");
    assert_eq!(copy.proven().0, 0);
    let planted = copy.log_files[1].replace("0002.json", "000X.json");
    copy.put("", &planted, &whole);
    assert!(told(&copy).contains(&format!("s3://b/{planted}  no digest of its time names it")));
    assert_eq!(copy.verify(&["--metadata", "metadata.json", "--allow-unlisted"]).0, 0);
    fs::remove_file(copy.path(&planted)).expect("it was there");
    for n in [1, 2] {
        fs::remove_file(copy.path(&copy.digests[n])).expect("it was there");
    }
    let out = told(&copy);
    assert!(out.contains(&format!("{}  not found, though a digest names it", copy.digests[2])), "{out}");
    assert!(out.contains(&format!("{}  not found; it stood here if the interval did not change", copy.digests[1])));
    assert!(out.contains("3/5 digests valid") && out.contains("2 digests INVALID"), "{out}");
}

#[test]
fn names_do_not_steer_the_terminal() {
    let copy = Copy::make("");
    let folder = Path::new(&copy.log_files[0]).parent().expect("a folder").to_str().expect("text");
    copy.put("", &format!("{folder}/\u{1b}[2J\u{202e}"), b"");
    let (code, out, _) = copy.proven();
    assert_eq!(code, 0);
    assert!(out.contains("/\\u{1b}[2J\\u{202e}  is not the name of a digest or log file"), "{out}");
    assert!(!out.contains('\u{1b}'));
}

#[test]
fn what_cannot_be_checked_is_not_called_good() {
    let copy = Copy::make("");
    let check = |words: &[&str], complaint: &str| {
        let (code, _, err) = run(copy.place.path(), words);
        assert_eq!(code, 2, "{err}");
        assert!(err.contains(complaint), "{err}");
    };
    check(&["verify", "copy"], "--keys");
    check(&["verify", "nowhere", "--keys", "keys.json"], "nowhere");
    check(&["verify", "copy", "--keys", "metadata.json"], "PublicKeyList");
    check(&["verify", "copy", "--keys", "keys.json", "--metadata", "keys.txt"], "keys.txt");
    check(&["verify", "copy", "--keys", "keys.json", "--from", "1d", "--to", "2d"], "--from");
    check(&["verify", "copy", "--keys", "keys.json", "--save-metadata", "m"], "--save-metadata");
    check(&["verify", "s3://", "--keys", "keys.json"], "names no bucket");
    fs::create_dir(copy.place.path().join("empty")).expect("a folder");
    check(&["verify", "empty", "--keys", "keys.json"], "no digest");
    fs::write(copy.place.path().join("none.json"), r#"{"PublicKeyList":[]}"#).expect("a file");
    check(&["verify", "copy", "--keys", "none.json"], "no public keys");
    let (code, out, _) = copy.verify(&["--account", "999999999999"]);
    assert!(code == 2 && out.contains("nothing was checked"), "{out}");
}
