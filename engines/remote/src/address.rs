//! Where an upstream is: a scheme, a host and a port; the host may be a template.

use http::Uri;
use opentrail_delivery::UpstreamPlace;

/// Stands for the name by which endpoints know a service.
const PREFIX: &str = "{endpointPrefix}";
/// Stands for the region of the signature.
const REGION: &str = "{region}";
/// AWS's domain, where some services have one host for all regions.
const AWS_DOMAIN: &str = ".amazonaws.com";
/// Services of AWS whose one host has no region in its name.
const WITHOUT_REGION: &[&str] = &["budgets", "cloudfront", "iam", "importexport", "route53", "waf"];
/// Of what is shown back, characters.
const ECHO_CHARS_MAX: usize = 200;

/// An upstream's address, as the configuration gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    tls: bool,
    /// With its placeholders.
    host: String,
    /// `None` where the scheme's own is meant.
    port: Option<u16>,
}

/// What is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not an upstream; write http://HOST:PORT, https://HOST or https://{{endpointPrefix}}.{{region}}.amazonaws.com"
)]
pub struct BadAddress(String);

/// One host of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Host {
    pub(crate) tls: bool,
    /// Without the brackets of an IPv6 address.
    pub(crate) name: String,
    pub(crate) port: u16,
    /// As the Host header says it.
    pub(crate) authority: String,
}

impl std::fmt::Display for Address {
    /// As it is configured.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}", if self.tls { "https" } else { "http" }, self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl Address {
    /// Reads `http://HOST[:PORT]` or `https://HOST[:PORT]`. A path, a query or a user would be nobody's here.
    pub fn parse(url: &str) -> Result<Self, BadAddress> {
        let wrong = || BadAddress(url.chars().take(ECHO_CHARS_MAX).collect());
        let (scheme, rest) = url.split_once("://").ok_or_else(wrong)?;
        let tls = match scheme {
            "http" => false,
            "https" => true,
            _ => return Err(wrong()),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        // What is left of a template once it is filled in must be an address like any other.
        let tried = rest.replace(PREFIX, "x").replace(REGION, "x");
        let uri: Uri = format!("{scheme}://{tried}").parse().map_err(|_| wrong())?;
        let authority = uri.authority().ok_or_else(wrong)?;
        let plain = tried.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_:[]".contains(&b));
        if !plain || authority.as_str() != tried || authority.host().is_empty() || authority.as_str().ends_with(':') {
            return Err(wrong());
        }
        let port = authority.port_u16();
        let host = match port {
            Some(_) => rest.rsplit_once(':').map_or(rest, |(host, _)| host),
            None => rest,
        };
        Ok(Self { tls, host: host.to_owned(), port })
    }

    /// Whether calls are protected on their way.
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// Whether it stands for many hosts.
    pub fn is_template(&self) -> bool {
        self.host.contains('{')
    }

    /// The host for a place. What a caller can choose of it is a region that is served, and a service's name.
    pub(crate) fn at(&self, place: &UpstreamPlace) -> Host {
        let safe = |text: &str| -> String {
            text.bytes().filter(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.')).map(char::from).collect()
        };
        let host = if self.host.ends_with(AWS_DOMAIN) && WITHOUT_REGION.contains(&place.endpoint_prefix.as_str()) {
            self.host.replace(&format!(".{REGION}"), "")
        } else {
            self.host.clone()
        };
        let host = host.replace(PREFIX, &safe(&place.endpoint_prefix)).replace(REGION, &safe(&place.region));
        let authority = self.port.map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
        let port = self.port.unwrap_or(if self.tls { 443 } else { 80 });
        Host { tls: self.tls, name: host.trim_matches(['[', ']']).to_owned(), port, authority }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(prefix: &str, region: &str) -> UpstreamPlace {
        UpstreamPlace { endpoint_prefix: prefix.into(), region: region.into() }
    }

    #[test]
    fn an_address_is_a_scheme_and_a_host() {
        let check = |url: &str, expect: Option<(&str, u16, &str)>| {
            let address = Address::parse(url).ok();
            let host = address.map(|address| address.at(&place("s3", "eu-west-1")));
            let got = host.as_ref().map(|h| (h.name.as_str(), h.port, h.authority.as_str()));
            assert_eq!(got, expect, "{url}");
        };
        check("http://127.0.0.1:9000", Some(("127.0.0.1", 9000, "127.0.0.1:9000")));
        check("http://minio/", Some(("minio", 80, "minio")));
        check("https://[::1]:8443", Some(("::1", 8443, "[::1]:8443")));
        check(
            "https://{endpointPrefix}.{region}.amazonaws.com",
            Some(("s3.eu-west-1.amazonaws.com", 443, "s3.eu-west-1.amazonaws.com")),
        );
        for bad in [
            "",
            "127.0.0.1:9000",
            "ftp://x",
            "http://u:p@x",
            "http://x/y",
            "http://x?y",
            "http://",
            "http://x:",
            "http://{other}.x",
            "http://x y",
            "true",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn a_template_is_filled_and_nothing_else_gets_in() {
        let aws = Address::parse("https://{endpointPrefix}.{region}.amazonaws.com").expect("a template");
        assert_eq!(aws.at(&place("iam", "us-east-1")).authority, "iam.amazonaws.com");
        assert_eq!(aws.at(&place("x/@evil:80#", "eu?west")).authority, "xevil80.euwest.amazonaws.com");
    }
}
