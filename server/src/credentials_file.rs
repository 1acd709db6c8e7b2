//! `DATA/credentials`: how the owner of the folder gets in.
//!
//! An AWS shared-credentials file, written anew at each start, since the address may be another. botocore reads `region` and
//! `endpoint_url` in it too.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use opentrail_policy::{NewAccessKey, Starters};

/// Writes the file so that there is always a whole one, readable by its owner alone.
pub(crate) fn write(data: &Path, starters: &Starters, endpoint: &str) -> io::Result<()> {
    let (file, staged) = (data.join("credentials"), data.join("credentials.new"));
    match fs::remove_file(&staged) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&staged)?;
    out.write_all(text(starters, endpoint).as_bytes())?;
    out.sync_all()?;
    fs::rename(&staged, &file)?;
    File::open(data)?.sync_all()
}

fn text(starters: &Starters, endpoint: &str) -> String {
    let mut text =
        String::from("# Written by opentrail serve at each start. Whoever reads this file is root and operator.\n");
    text.push_str(&profile("opentrail", "the root of the first account", starters.root.as_ref(), endpoint));
    text.push_str(&profile("opentrail-operator", "the operator", starters.operator.as_ref(), endpoint));
    text
}

fn profile(name: &str, who: &str, key: Option<&NewAccessKey>, endpoint: &str) -> String {
    let Some(NewAccessKey { key, secret }) = key else {
        return format!("\n# The first key of {who} was deleted; there is no profile {name} any more.\n");
    };
    format!(
        "\n# {who}\n[{name}]\naws_access_key_id = {}\naws_secret_access_key = {}\nregion = us-east-1\nendpoint_url = {endpoint}\n",
        key.id,
        secret.expose()
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use opentrail_policy::{AccessKey, Account, KeyStatus, Secret};

    use super::*;

    #[test]
    fn the_file_is_whole_and_for_its_owner_alone() {
        let account = Account {
            id: "111122223333".parse().expect("an account"),
            name: "main".into(),
            canonical_id: "c".into(),
            created_s: 0,
        };
        let key = AccessKey {
            id: "AKIAROOT".into(),
            account: account.id,
            user: None,
            status: KeyStatus::Active,
            created_s: 0,
        };
        let root = Some(NewAccessKey { key, secret: Secret::new("s/+".into()) });
        let starters = Starters { account, root, operator: None };
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("credentials.new"), "left by a crash").expect("written");
        for port in [1, 2] {
            write(folder.path(), &starters, &format!("http://127.0.0.1:{port}")).expect("written");
        }
        let file = folder.path().join("credentials");
        assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
        let text = fs::read_to_string(&file).expect("UTF-8");
        assert!(text.contains("[opentrail]\naws_access_key_id = AKIAROOT\naws_secret_access_key = s/+\n"), "{text}");
        assert!(
            text.contains("endpoint_url = http://127.0.0.1:2\n") && !text.contains("[opentrail-operator]"),
            "{text}"
        );
        assert!(!folder.path().join("credentials.new").exists());
    }
}
