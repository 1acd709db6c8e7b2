//! Virtual-host addressing of S3: a bucket that stands in front of our host name.

use std::net::IpAddr;

use opentrail_event::Region;

/// The endings behind which a bucket's name may stand, longest first, and the hosts that are no bucket's.
pub(crate) struct Hosts {
    endings: Vec<String>,
}

impl Hosts {
    /// `names` are the operator's; every one stands for itself, `s3.NAME` and `s3.REGION.NAME`.
    pub(crate) fn new(names: &[String], regions: &[Region]) -> Self {
        let mut endings = Vec::new();
        for name in names.iter().map(|name| name.trim_matches('.').to_ascii_lowercase()).filter(|name| !name.is_empty())
        {
            for region in regions {
                endings.push(format!(".s3.{region}.{name}"));
                endings.push(format!(".s3-{region}.{name}"));
            }
            endings.push(format!(".s3.{name}"));
            endings.push(format!(".{name}"));
        }
        endings.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        endings.dedup();
        Self { endings }
    }

    /// The bucket that a Host header names, if it surely does.
    pub(crate) fn bucket(&self, host_header: &str) -> Option<String> {
        let host = without_port(host_header).trim_end_matches('.').to_ascii_lowercase();
        if host.parse::<IpAddr>().is_ok() || host.starts_with('[') {
            return None;
        }
        let own = |ending: &String| ending.strip_prefix('.') == Some(host.as_str());
        if self.endings.iter().any(own) {
            return None;
        }
        let ending = self.endings.iter().find(|ending| host.ends_with(ending.as_str()))?;
        let bucket = &host[..host.len() - ending.len()];
        // `s3.elsewhere.localhost` is an endpoint of a region that is not served here, not a bucket.
        let endpoint_like = bucket == "s3" || bucket.ends_with(".s3") || bucket.starts_with("s3.");
        (is_bucket_name(bucket) && !endpoint_like).then(|| bucket.to_owned())
    }
}

/// The path-style spelling of a request to `bucket`.
pub(crate) fn path_style(bucket: &str, raw_path: &str) -> String {
    match raw_path {
        "" | "/" => format!("/{bucket}"),
        path => format!("/{bucket}{path}"),
    }
}

/// The region that a Host header asks for (`sts.eu-west-1.localhost`), where no signature says so. Else it is that of AWS's global
/// endpoints.
pub(crate) fn region(host_header: &str, signing_name: &str, served: &[Region]) -> Region {
    let host = without_port(host_header).to_ascii_lowercase();
    let mut labels = host.split('.');
    let named = labels.next().filter(|label| *label == signing_name).and_then(|_| labels.next());
    let region = served.iter().find(|region| named == Some(region.as_str()));
    region.cloned().unwrap_or_else(Region::us_east_1)
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

/// `spec/s3.md` 2, as far as a host name can break it.
fn is_bucket_name(name: &str) -> bool {
    let alnum = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = name.as_bytes();
    (3..=63).contains(&bytes.len())
        && bytes.iter().all(|&b| alnum(b) || matches!(b, b'.' | b'-'))
        && bytes.first().is_some_and(|&b| alnum(b))
        && bytes.last().is_some_and(|&b| alnum(b))
        && !name.contains("..")
        && name.parse::<IpAddr>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_only_found_where_it_surely_is() {
        let hosts =
            Hosts::new(&["localhost".into(), "Trail.Example.".into()], &["eu-west-1".parse().expect("a region")]);
        let check = |host: &str, expect: Option<&str>| assert_eq!(hosts.bucket(host).as_deref(), expect, "{host}");
        check("logs.s3.eu-west-1.localhost:4566", Some("logs"));
        check("logs.s3-eu-west-1.localhost", Some("logs"));
        check("logs.s3.localhost", Some("logs"));
        check("LOGS.localhost:4566", Some("logs"));
        check("my.logs.trail.example", Some("my.logs"));
        check("logs.s3.trail.example.", Some("logs"));
        check("localhost:4566", None);
        check("s3.localhost", None);
        check("s3.eu-west-1.localhost", None);
        check("s3-eu-west-1.localhost", None);
        check("s3.us-west-9.localhost", None);
        check("127.0.0.1:4566", None);
        check("[::1]:4566", None);
        check("1.2.3.4.localhost", None);
        check("logs.elsewhere", None);
        check("x.localhost", None);
        check("a..b.localhost", None);
        check("-ab.localhost", None);
        check("notlocalhost", None);
        check("", None);
    }

    #[test]
    fn a_region_stands_behind_the_services_name() {
        let served = ["us-east-1", "eu-west-1"].map(|name| name.parse().expect("a region"));
        let check = |host: &str, expect: &str| assert_eq!(region(host, "sts", &served).as_str(), expect, "{host}");
        check("sts.eu-west-1.localhost:4566", "eu-west-1");
        check("STS.EU-WEST-1.amazonaws.com", "eu-west-1");
        check("sts.localhost", "us-east-1");
        check("sts.mars-1.localhost", "us-east-1");
        check("s3.eu-west-1.localhost", "us-east-1");
        check("127.0.0.1:4566", "us-east-1");
        check("", "us-east-1");
    }

    #[test]
    fn paths_gain_their_bucket() {
        assert_eq!(path_style("logs", "/"), "/logs");
        assert_eq!(path_style("logs", "/a/b"), "/logs/a/b");
        assert_eq!(path_style("logs", "//a"), "/logs//a");
    }
}
