//! Buckets in stores elsewhere, as the configuration names them.

use opentrail_event::{AccountId, Region};
use opentrail_policy::Secret;
use opentrail_remote::Address;
use serde::Deserialize;

/// A bucket elsewhere: where it is, the key for it, and whose trails may deliver there.
#[derive(Debug, Clone)]
pub struct ConfiguredBucket {
    pub name: String,
    /// As the configuration writes it.
    pub url: String,
    pub endpoint: Address,
    pub region: Region,
    pub owner: AccountId,
    pub accounts: Vec<AccountId>,
    pub access_key_id: String,
    pub secret: Secret,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    bucket: String,
    endpoint: String,
    region: Region,
    accounts: Vec<AccountId>,
    owner: Option<AccountId>,
    access_key_id: String,
    secret_access_key: String,
}

/// Reads a JSON array of buckets. Its errors never repeat the text: it holds secrets.
pub(super) fn read_buckets(text: &str) -> Result<Vec<ConfiguredBucket>, String> {
    let lines: Vec<Line> = serde_json::from_str(text).map_err(|error| {
        let what = "each bucket has bucket, endpoint, region, accounts (a list of twelve digits each), access_key_id, \
                    secret_access_key, and may have owner (an account)";
        format!("{what}; wrong near column {} of its JSON form", error.column())
    })?;
    let mut buckets: Vec<ConfiguredBucket> = Vec::new();
    for (number, line) in lines.into_iter().enumerate() {
        let wrong = |what: String| format!("bucket {} of the list: {what}", number + 1);
        let &first = line.accounts.first().ok_or_else(|| wrong("name the accounts whose trails may use it".into()))?;
        if line.bucket.is_empty() || line.bucket.contains('/') {
            return Err(wrong("its name is empty or has a slash".into()));
        }
        if buckets.iter().any(|bucket| bucket.name == line.bucket) {
            return Err(wrong("its name stands twice".into()));
        }
        if line.access_key_id.is_empty() || line.secret_access_key.is_empty() {
            return Err(wrong("its key has no id or no secret".into()));
        }
        buckets.push(ConfiguredBucket {
            name: line.bucket,
            endpoint: Address::parse(&line.endpoint).map_err(|error| wrong(error.to_string()))?,
            url: line.endpoint,
            region: line.region,
            owner: line.owner.unwrap_or(first),
            accounts: line.accounts,
            access_key_id: line.access_key_id,
            secret: Secret::new(line.secret_access_key),
        });
    }
    Ok(buckets)
}

/// The buckets without their secrets.
pub(super) fn mask(text: &str) -> String {
    let Ok(buckets) = read_buckets(text) else { return "(not readable)".into() };
    let shown = buckets.iter().map(|bucket| {
        let accounts: Vec<String> = bucket.accounts.iter().map(ToString::to_string).collect();
        format!("{} at {} for {} by {}", bucket.name, bucket.url, accounts.join("+"), bucket.access_key_id)
    });
    shown.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"[{"bucket":"far","endpoint":"https://store:9000","region":"eu-west-1","accounts":["111122223333"],
        "access_key_id":"k","secret_access_key":"hush"}]"#;

    #[test]
    fn a_bucket_is_read_and_shown_without_its_secret() {
        let buckets = read_buckets(GOOD).expect("a bucket");
        assert_eq!(buckets[0].owner, buckets[0].accounts[0], "the first account owns it where nobody else does");
        let shown = mask(GOOD);
        assert_eq!(shown, "far at https://store:9000 for 111122223333 by k");
    }

    #[test]
    fn what_is_wrong_is_told_without_the_secret() {
        let check = |from: &str, to: &str, says: &str| {
            let error = read_buckets(&GOOD.replace(from, to)).expect_err(to);
            assert!(error.contains(says) && !error.contains("hush"), "{error}");
        };
        check("\"111122223333\"", "", "accounts whose trails");
        check("111122223333", "1", "accounts (a list");
        check("https://store:9000", "store", "upstream");
        check("\"far\"", "\"a/b\"", "slash");
        check("\"k\"", "\"\"", "no id");
        check("\"bucket\"", "\"bukcet\"", "each bucket has");
        let twice = format!("[{0},{0}]", GOOD.trim().trim_start_matches('[').trim_end_matches(']'));
        assert!(read_buckets(&twice).expect_err("twice").contains("twice"));
    }
}
