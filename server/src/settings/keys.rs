//! Access keys that stand in the configuration.

use opentrail_event::AccountId;
use opentrail_policy::{ConfiguredKey, Secret, UserPolicy};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    account: AccountId,
    user: Option<String>,
    policy: Option<UserPolicy>,
    access_key_id: String,
    secret_access_key: String,
}

/// Reads a JSON array of keys. Its errors never repeat the text: it holds secrets.
pub(super) fn read_keys(text: &str) -> Result<Vec<ConfiguredKey>, String> {
    let lines: Vec<Line> = serde_json::from_str(text).map_err(|error| {
        let what = "each key has account (twelve digits), access_key_id, secret_access_key, and may have user and policy \
                    (admin or read-only)";
        format!("{what}; wrong near column {} of its JSON form", error.column())
    })?;
    lines
        .into_iter()
        .map(|line| {
            let root = line.user.as_deref().is_none_or(|user| user == "root");
            if root && line.policy.is_some() {
                return Err(format!(
                    "key {}: a root has no policy; name a user or leave policy out",
                    line.access_key_id
                ));
            }
            Ok(ConfiguredKey {
                account: line.account,
                user: if root { None } else { line.user },
                policy: line.policy,
                access_key_id: line.access_key_id,
                secret: Secret::new(line.secret_access_key),
            })
        })
        .collect()
}

/// The keys without their secrets.
pub(super) fn mask(text: &str) -> String {
    let Ok(keys) = read_keys(text) else { return "(not readable)".into() };
    let shown: Vec<String> = keys
        .iter()
        .map(|key| {
            let policy = match key.policy {
                Some(UserPolicy::Admin) => " (admin)",
                Some(UserPolicy::ReadOnly) => " (read-only)",
                None => "",
            };
            format!("{}/{}{policy}:{}", key.account, key.user.as_deref().unwrap_or("root"), key.access_key_id)
        })
        .collect();
    shown.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_neither_shown_nor_repeated_in_errors() {
        let text = r#"[{"account":"111122223333","user":"ci","policy":"admin","access_key_id":"k","secret_access_key":"hush"}]"#;
        assert_eq!(mask(text), "111122223333/ci (admin):k");
        let check = |bad: &str| {
            let error = read_keys(bad).expect_err("refused");
            assert!(!error.contains("hush"), "{error}");
        };
        check(r#"[{"account":"hush","access_key_id":"k","secret_access_key":"hush"}]"#);
        check(r#"[{"account":"111122223333","secret_access_key":"hush"}]"#);
        check(r#"[{"account":"111122223333","access_key_id":"k","secret_access_key":"hush","hush":1}]"#);
        check(r#"[{"account":"111122223333","policy":"admin","access_key_id":"k","secret_access_key":"hush"}]"#);
        check("hush");
    }
}
