//! From a setting's text to its value; what is wrong comes back as a phrase that says what would be right.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use opentrail_event::{AccountId, Region};
use opentrail_wire::OnFailure;

use super::LogFormat;

pub(super) fn path(text: &str) -> Result<PathBuf, String> {
    optional_path(text)?.ok_or_else(|| "name a file or folder".into())
}

pub(super) fn optional_path(text: &str) -> Result<Option<PathBuf>, String> {
    if text.contains('\0') {
        return Err("a path has no zero byte".into());
    }
    Ok((!text.is_empty()).then(|| PathBuf::from(text)))
}

pub(super) fn socket(text: &str) -> Result<SocketAddr, String> {
    let text = text.replace("localhost:", "127.0.0.1:");
    text.parse().map_err(|_| "write an IP address and a port, such as 127.0.0.1:4566 or [::1]:4566".into())
}

pub(super) fn flag(text: &str) -> Result<bool, String> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("write true or false".into()),
    }
}

pub(super) fn count(text: &str, min: u64, max: u64) -> Result<u64, String> {
    let n: u64 = text.replace('_', "").parse().map_err(|_| format!("write a whole number from {min} to {max}"))?;
    if n < min || n > max { Err(format!("write a whole number from {min} to {max}")) } else { Ok(n) }
}

pub(super) fn span(text: &str, min_s: u64, max_s: u64) -> Result<Duration, String> {
    count(text, min_s, max_s).map(Duration::from_secs)
}

/// Seconds, or a number with its unit: `90`, `90s`, `5m`, `1h`, `1d`.
pub(super) fn units(text: &str, min_s: u64, max_s: u64) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let scale = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err("write seconds, or a number with s, m, h or d behind it: 90, 90s, 5m, 1h".into()),
    };
    let seconds = digits.parse::<u64>().ok().and_then(|n| n.checked_mul(scale));
    match seconds {
        Some(seconds) if (min_s..=max_s).contains(&seconds) => Ok(Duration::from_secs(seconds)),
        _ => Err(format!("write a time from {min_s} to {max_s} seconds, such as 90, 90s or 5m")),
    }
}

pub(super) fn fraction(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(n) if n > 0.0 && n <= 1.0 => Ok(n),
        _ => Err("write a number above 0 and at most 1".into()),
    }
}

pub(super) fn list(text: &str) -> Result<Vec<String>, String> {
    Ok(text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_ascii_lowercase).collect())
}

/// Issuers by host and path, as providers are named, each with its file.
pub(super) fn issuers(text: &str) -> Result<Vec<(String, PathBuf)>, String> {
    let mut issuers: Vec<(String, PathBuf)> = Vec::new();
    for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        let (url, file) = item.split_once('=').ok_or("write https://ISSUER=FILE for each, with commas between them")?;
        let name = url.trim().strip_prefix("https://").map(|name| name.trim_end_matches('/')).unwrap_or_default();
        // Condition keys begin with it, and must not pass for those of AWS: `aws:username`.
        if name.is_empty() || name.contains([':', '?', '#', '@', ' ']) || !name.contains(['.', '/']) {
            return Err(format!(
                "'{url}' is no issuer: write https:// and a host with a dot or a path, without a port or a query"
            ));
        }
        if issuers.iter().any(|(other, _)| other == name) {
            return Err(format!("https://{name} is there twice"));
        }
        issuers.push((name.to_owned(), path(file.trim())?));
    }
    Ok(issuers)
}

/// As they are, in their case.
pub(super) fn uris(text: &str) -> Result<Vec<String>, String> {
    let uris: Vec<String> = text.split(',').map(str::trim).filter(|uri| !uri.is_empty()).map(str::to_owned).collect();
    match uris.iter().all(|uri| uri.contains(':') && !uri.contains(char::is_whitespace)) {
        true => Ok(uris),
        false => Err("write URIs, such as https://trail.example.com/saml, with commas between them".into()),
    }
}

pub(super) fn regions(text: &str) -> Result<Vec<Region>, String> {
    let regions: Result<Vec<Region>, _> = list(text)?.iter().map(|name| name.parse::<Region>()).collect();
    match regions {
        Ok(regions) if regions.contains(&Region::us_east_1()) => Ok(regions),
        Ok(_) => Err("us-east-1 must be among them: it is the home of global services".into()),
        Err(error) => Err(error.to_string()),
    }
}

pub(super) fn account(text: &str) -> Result<Option<AccountId>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| "write an account's twelve digits".into())
}

pub(super) fn on_failure(text: &str) -> Result<OnFailure, String> {
    match text {
        "refuse" => Ok(OnFailure::Refuse),
        "pass" => Ok(OnFailure::Pass),
        _ => Err("write refuse or pass".into()),
    }
}

pub(super) fn level(text: &str) -> Result<String, String> {
    let filter = tracing_subscriber::EnvFilter::builder().parse(text);
    filter.map(|_| text.to_owned()).map_err(|_| "write error, warn, info, debug or trace, or a filter".into())
}

pub(super) fn format(text: &str) -> Result<LogFormat, String> {
    match text {
        "json" => Ok(LogFormat::Json),
        "text" => Ok(LogFormat::Text),
        _ => Err("write json or text".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_to_their_range() {
        let check = |text: &str, expect: Option<u64>| assert_eq!(count(text, 2, 10).ok(), expect, "{text}");
        check("2", Some(2));
        check("1_0", Some(10));
        for bad in ["1", "11", "-3", "soon", "", "99999999999999999999"] {
            check(bad, None);
        }
    }

    #[test]
    fn regions_include_the_home_of_global_services() {
        assert_eq!(regions("eu-west-1, us-east-1").expect("regions").len(), 2);
        assert!(regions("eu-west-1").is_err());
        assert!(regions("us-east-1,../x").is_err());
    }

    #[test]
    fn issuers_have_a_file_each() {
        let read = issuers("https://a.example/realm/=/etc/a.json, https://b.example=b=c.json,").expect("issuers");
        let shown: Vec<_> = read.iter().map(|(name, file)| format!("{name} {}", file.display())).collect();
        assert_eq!(shown, ["a.example/realm /etc/a.json", "b.example b=c.json"]);
        for bad in [
            "https://a.example",
            "http://a.example=f",
            "a.example=f",
            "https://=f",
            "https://aws=f",
            "https://a.example:8443=f",
            "https://a.example=",
            "https://a.example=f,https://a.example/=g",
        ] {
            assert!(issuers(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn uris_are_kept_as_they_are() {
        assert_eq!(
            uris("https://A.example/Saml, urn:x:y,"),
            Ok(vec!["https://A.example/Saml".into(), "urn:x:y".into()])
        );
        assert!(uris("saml").is_err() && uris("https://a b").is_err());
    }

    #[test]
    fn an_address_has_a_port() {
        assert!(socket("127.0.0.1:0").is_ok() && socket("localhost:80").is_ok() && socket("[::]:80").is_ok());
        assert!(socket("127.0.0.1").is_err() && socket("example.org:80").is_err());
    }
}
