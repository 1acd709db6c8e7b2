//! Proxies in front of us: whose word is taken for where a request came from.
//!
//! A trusted proxy appends to X-Forwarded-For whom it was asked by. So the list is read from its end: the first address that is
//! not a trusted proxy's is where the request came from, whatever stands before it.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::HeaderMap;

use super::listen::Peer;

/// Where a proxy says who asked it.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// A range of addresses: `10.0.0.0/8`, `::1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// Text that is no range of addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no network; write an address or a range, such as 10.0.0.0/8")]
pub struct NotANetwork(String);

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let wrong = || NotANetwork(text.chars().take(64).collect());
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), |bits| bits.parse().map_err(|_| wrong()))?;
        if bits > most { Err(wrong()) } else { Ok(Self { address, bits }) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

impl Network {
    /// Whether an address lies in it.
    pub fn holds(&self, ip: IpAddr) -> bool {
        let number = |ip: IpAddr| match ip {
            IpAddr::V4(v4) => u128::from(v4.to_bits()) << 96,
            IpAddr::V6(v6) => v6.to_bits(),
        };
        let ip = ip.to_canonical();
        let same = u32::from(self.bits).checked_sub(1).map_or(0, |last| u128::MAX << (127 - last));
        self.address.is_ipv4() == ip.is_ipv4() && (number(self.address) ^ number(ip)) & same == 0
    }
}

/// Whether `ip` is one of the trusted.
pub(crate) fn is_trusted(trusted: &[Network], ip: IpAddr) -> bool {
    trusted.iter().any(|network| network.holds(ip))
}

/// The sender of a request that came through trusted proxies; `None` where `peer` is itself the sender.
pub(crate) fn sender(trusted: &[Network], peer: &Peer, headers: &HeaderMap) -> Option<Peer> {
    if !is_trusted(trusted, peer.ip) {
        return None;
    }
    let lists = headers.get_all(FORWARDED_FOR).iter().map(|value| value.to_str().unwrap_or_default());
    let named: Vec<&str> = lists.flat_map(|list| list.split(',')).map(str::trim).collect();
    let mut ip = peer.ip;
    for name in named.into_iter().rev() {
        // What is no address was written by nobody who is trusted: what stands before it is worth nothing.
        let Some(address) = address(name) else { break };
        ip = address.to_canonical();
        if !is_trusted(trusted, ip) {
            break;
        }
    }
    (ip != peer.ip).then(|| Peer { ip, tls: peer.tls.clone() })
}

/// An address, which some proxies write with the port: `192.0.2.1:80`, `[2001:db8::1]:80`.
fn address(text: &str) -> Option<IpAddr> {
    let bare = || text.strip_prefix('[')?.split_once(']').map(|(address, _)| address);
    let with_port = || text.split_once(':').map(|(address, _)| address);
    text.parse().ok().or_else(|| bare()?.parse().ok()).or_else(|| with_port()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn network(text: &str) -> Network {
        text.parse().expect("a network")
    }

    #[test]
    fn networks_hold_what_they_say() {
        let check = |range: &str, ip: &str, expect: bool| {
            assert_eq!(network(range).holds(ip.parse().expect("an address")), expect, "{range} {ip}");
        };
        check("10.0.0.0/8", "10.9.9.9", true);
        check("10.0.0.0/8", "11.0.0.0", false);
        check("10.0.0.0/8", "::ffff:10.1.1.1", true);
        check("0.0.0.0/0", "1.2.3.4", true);
        check("0.0.0.0/0", "::1", false);
        check("192.0.2.1", "192.0.2.1", true);
        check("192.0.2.1", "192.0.2.2", false);
        check("2001:db8::/32", "2001:db8:1::1", true);
        check("2001:db8::/32", "2001:db9::1", false);
        for bad in ["", "x", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0/8"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }

    #[test]
    fn only_the_word_of_the_trusted_counts() {
        let trusted = [network("127.0.0.1"), network("10.0.0.0/8")];
        let check = |peer: &str, lists: &[&'static str], expect: Option<&str>| {
            let peer = Peer { ip: peer.parse().expect("an address"), tls: None };
            let mut headers = HeaderMap::new();
            for list in lists {
                headers.append(FORWARDED_FOR, HeaderValue::from_static(list));
            }
            let told = sender(&trusted, &peer, &headers).map(|peer| peer.ip.to_string());
            assert_eq!(told.as_deref(), expect, "{lists:?}");
        };
        check("127.0.0.1", &["192.0.2.7"], Some("192.0.2.7"));
        check("192.0.2.1", &["192.0.2.7"], None);
        check("127.0.0.1", &[], None);
        check("127.0.0.1", &["1.1.1.1, 192.0.2.7, 10.1.1.1"], Some("192.0.2.7"));
        check("127.0.0.1", &["1.1.1.1", "192.0.2.7:443"], Some("192.0.2.7"));
        check("127.0.0.1", &["1.1.1.1, unknown"], None);
        check("127.0.0.1", &["1.1.1.1, unknown, 10.0.0.9"], Some("10.0.0.9"));
        check("127.0.0.1", &["[2001:db8::1]:80"], Some("2001:db8::1"));
    }
}
