//! Which names a bucket can have (`spec/s3.md` 2).

/// The shortest name, in bytes.
const NAME_BYTES_MIN: usize = 3;
/// The longest name, in bytes.
const NAME_BYTES_MAX: usize = 63;
/// Beginnings that AWS keeps for itself.
const RESERVED_PREFIXES: [&str; 3] = ["xn--", "sthree-", "amzn-s3-demo-"];
/// Endings that AWS keeps for itself: aliases of access points, and other kinds of buckets.
const RESERVED_SUFFIXES: [&str; 5] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];

/// Whether a bucket can be called so.
pub(crate) fn is_bucket_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let alphanumeric = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    (NAME_BYTES_MIN..=NAME_BYTES_MAX).contains(&bytes.len())
        && bytes.iter().all(|b| alphanumeric(b) || matches!(b, b'.' | b'-'))
        && bytes.first().is_some_and(alphanumeric)
        && bytes.last().is_some_and(alphanumeric)
        && !name.contains("..")
        && name.parse::<std::net::Ipv4Addr>().is_err()
        && !looks_like_ipv4(name)
        && !RESERVED_PREFIXES.iter().any(|p| name.starts_with(p))
        && !RESERVED_SUFFIXES.iter().any(|s| name.ends_with(s))
        && !is_account_regional(name)
}

/// Four groups of digits: also those that are no address (`256.1.1.1`).
fn looks_like_ipv4(name: &str) -> bool {
    let mut groups = 0;
    name.split('.').all(|g| {
        groups += 1;
        (1..=3).contains(&g.len()) && g.bytes().all(|b| b.is_ascii_digit())
    }) && groups == 4
}

/// `…-ACCOUNT-REGION-an`: the namespace of one account in one region, which is not served.
fn is_account_regional(name: &str) -> bool {
    let Some(rest) = name.strip_suffix("-an") else { return false };
    // A region has three or four words (`eu-west-1`, `us-gov-west-1`), the account stands before it.
    let words: Vec<&str> = rest.rsplitn(6, '-').collect();
    let is_account = |w: &&str| w.len() == 12 && w.bytes().all(|b| b.is_ascii_digit());
    words.first().is_some_and(|w| w.bytes().all(|b| b.is_ascii_digit()))
        && (words.get(3).is_some_and(is_account) || words.get(4).is_some_and(is_account))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules() {
        let long = "a".repeat(63);
        for good in ["abc", "a.b-c", "0ab", "trail-logs.eu-west-1", "1.2.3", "an-an", long.as_str()] {
            assert!(is_bucket_name(good), "{good}");
        }
        let too_long = "a".repeat(64);
        for bad in [
            "",
            "ab",
            too_long.as_str(),
            "Abc",
            "a_b",
            "-ab",
            "ab-",
            ".ab",
            "ab.",
            "a..b",
            "192.168.5.4",
            "999.1.1.1",
            "xn--abc",
            "sthree-abc",
            "amzn-s3-demo-bucket",
            "abc-s3alias",
            "abc--ol-s3",
            "abc.mrap",
            "abc--x-s3",
            "abc--table-s3",
            "logs-123456789012-eu-west-1-an",
            "logs-123456789012-us-gov-west-1-an",
            "a/b",
            "../etc",
            "a b",
            "bücket",
            "a\0b",
        ] {
            assert!(!is_bucket_name(bad), "{bad}");
        }
    }
}
