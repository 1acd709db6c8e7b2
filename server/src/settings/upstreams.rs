//! Upstreams in the configuration: addresses by service, and who may do what with the keys for them.

use opentrail_remote::Address;
use opentrail_wire::{Allowed, Network};
use serde::Deserialize;

/// Entries of the allow-list.
const ALLOWED_MAX: usize = 1_000;

/// One address; `None` where there is none.
pub(super) fn address(text: &str) -> Result<Option<Address>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    Address::parse(text).map(Some).map_err(|error| error.to_string())
}

/// `s3=http://127.0.0.1:9000,lambda=…`; a later one of the same service wins.
pub(super) fn services(text: &str) -> Result<Vec<(String, Address)>, String> {
    let mut services: Vec<(String, Address)> = Vec::new();
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (service, url) = pair.split_once('=').ok_or("write service=URL, by commas: s3=http://127.0.0.1:9000")?;
        if !is_service(service) {
            return Err(format!("{service:?} is not the name of a service in signatures, such as s3 or dynamodb"));
        }
        let address = Address::parse(url).map_err(|error| error.to_string())?;
        services.retain(|(known, _)| known != service);
        services.push((service.to_owned(), address));
    }
    Ok(services)
}

/// What may stand in the scope of a signature.
pub(super) fn is_service(name: &str) -> bool {
    (1..=63).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    principal: String,
    actions: Vec<String>,
}

/// A JSON array of `{"principal":ARN,"actions":["service:Operation"]}`.
pub(super) fn allowed(text: &str) -> Result<Vec<Allowed>, String> {
    let lines: Vec<Line> = serde_json::from_str(text)
        .map_err(|error| format!("each entry has principal (an ARN) and actions (service:Operation): {error}"))?;
    if lines.len() > ALLOWED_MAX {
        return Err(format!("write at most {ALLOWED_MAX} entries"));
    }
    for line in &lines {
        if !line.principal.starts_with("arn:") && line.principal != "*" {
            return Err(format!("{:?} is no ARN; write one, with * for what may be anything", line.principal));
        }
        if let Some(action) = line.actions.iter().find(|action| !action.contains(':') && *action != "*") {
            return Err(format!("{action:?} is no action; write service:Operation, such as dynamodb:*"));
        }
    }
    Ok(lines.into_iter().map(|line| Allowed { principal: line.principal, actions: line.actions }).collect())
}

/// Ranges of addresses, by commas.
pub(super) fn networks(text: &str) -> Result<Vec<Network>, String> {
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    items.map(|item| item.parse().map_err(|error: opentrail_wire::NotANetwork| error.to_string())).collect()
}

/// What is shown of a secret.
pub(super) fn mask(text: &str) -> String {
    if text.is_empty() { String::new() } else { "(set)".into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_have_an_address_each() {
        let read = services("s3=http://a:1, lambda=http://b,s3=http://c:2").expect("right");
        assert_eq!(read.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["lambda", "s3"]);
        assert_eq!(read[1].1, Address::parse("http://c:2").expect("an address"));
        assert!(services("").expect("none").is_empty());
        for bad in ["s3", "S3=http://a", "s3=ftp://a", "=http://a"] {
            assert!(services(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_allow_list_is_read_or_explained() {
        let good =
            r#"[{"principal":"arn:aws:iam::111122223333:user/ci","actions":["dynamodb:*","ec2:DescribeInstances"]}]"#;
        assert_eq!(allowed(good).expect("right").len(), 1);
        assert!(allowed("[]").expect("nobody").is_empty());
        for bad in [r#"[{"principal":"ci","actions":[]}]"#, r#"[{"principal":"*","actions":["all"]}]"#, "x", r#"[{}]"#]
        {
            assert!(allowed(bad).is_err(), "{bad}");
        }
    }
}
