//! What names may look like (`spec/iam.md` 2).

use crate::DirectoryError;

/// Longest account name, as AWS Organizations has it.
const ACCOUNT_NAME_CHARS_MAX: usize = 50;
/// Longest user name.
const USER_NAME_CHARS_MAX: usize = 64;
/// Longest path of a user.
const PATH_BYTES_MAX: usize = 512;
/// Longest access key id that a configuration may bring.
const ACCESS_KEY_ID_BYTES_MAX: usize = 128;
/// Longest secret that a configuration may bring.
const SECRET_BYTES_MAX: usize = 256;

/// 1 to 50 printable characters, no space at either end.
pub(crate) fn check_account_name(name: &str) -> Result<(), DirectoryError> {
    let chars = name.chars().count();
    if chars == 0 || chars > ACCOUNT_NAME_CHARS_MAX || name.trim() != name || name.chars().any(char::is_control) {
        return Err(invalid("an account name has 1 to 50 printable characters and no space at either end"));
    }
    Ok(())
}

/// 1 to 64 of `[\w+=,.@-]`.
pub(crate) fn check_user_name(name: &str) -> Result<(), DirectoryError> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b);
    if name.is_empty() || name.len() > USER_NAME_CHARS_MAX || !name.bytes().all(legal) {
        return Err(invalid("a user name has 1 to 64 letters, digits or characters of _+=,.@-"));
    }
    Ok(())
}

/// `/` or `/…/` of printable ASCII.
pub(crate) fn check_path(path: &str) -> Result<(), DirectoryError> {
    let shaped = path == "/" || (path.len() > 2 && path.starts_with('/') && path.ends_with('/'));
    if !shaped || path.len() > PATH_BYTES_MAX || !path.bytes().all(|b| (0x21..=0x7e).contains(&b)) {
        return Err(invalid("a path begins and ends with a slash and has at most 512 printable ASCII characters"));
    }
    Ok(())
}

/// What may stand in the credential of a signature.
pub(crate) fn check_access_key_id(id: &str) -> Result<(), DirectoryError> {
    let legal = |b: u8| b.is_ascii_graphic() && !b"/,=\"".contains(&b);
    if id.is_empty() || id.len() > ACCESS_KEY_ID_BYTES_MAX || !id.bytes().all(legal) {
        return Err(invalid("an access key id has 1 to 128 printable ASCII characters other than / , = and quotes"));
    }
    Ok(())
}

/// Any text that a credentials file can hold on a line.
pub(crate) fn check_secret(secret: &str) -> Result<(), DirectoryError> {
    if secret.is_empty()
        || secret.len() > SECRET_BYTES_MAX
        || secret.trim() != secret
        || secret.chars().any(char::is_control)
    {
        return Err(invalid("a secret access key has 1 to 256 printable characters and no space at either end"));
    }
    Ok(())
}

fn invalid(what: &str) -> DirectoryError {
    DirectoryError::Invalid(what.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules_of_iam() {
        let check = |name: &str, expect: bool| assert_eq!(check_user_name(name).is_ok(), expect, "{name:?}");
        check("a", true);
        check("Ana.Maria+x=1,2@b-c_d", true);
        check(&"a".repeat(64), true);
        check(&"a".repeat(65), false);
        for bad in ["", "a b", "a/b", "ü", "a\n", "\u{1b}[2J", "a:b"] {
            check(bad, false);
        }
    }

    #[test]
    fn a_path_is_closed_by_slashes() {
        let check = |path: &str, expect: bool| assert_eq!(check_path(path).is_ok(), expect, "{path:?}");
        check("/", true);
        check("/a/b/", true);
        for bad in ["", "a", "/a", "a/", "//", "/a b/", "/\u{7f}/", &format!("/{}/", "a".repeat(511))] {
            check(bad, false);
        }
    }

    #[test]
    fn an_account_name_is_printable() {
        let check = |name: &str, expect: bool| assert_eq!(check_account_name(name).is_ok(), expect, "{name:?}");
        check("Große Firma 7", true);
        for bad in ["", " a", "a ", "a\tb", "a\u{1b}b", &"a".repeat(51)] {
            check(bad, false);
        }
    }
}
