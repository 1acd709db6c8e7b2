//! The public key within an X.509 certificate. Nothing else of it is believed: that it stands in the metadata of a provider is what makes it
//! the provider's.

use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const ELLIPTIC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const SEQUENCE: u8 = 0x30;

/// A key that signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SigningKey {
    kind: Kind,
    bytes: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rsa,
    P256,
    P384,
}

/// The ways of signing that are taken; SHA-1 is none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    RsaSha256,
    RsaSha384,
    RsaSha512,
    EcdsaSha256,
    EcdsaSha384,
}

impl Method {
    pub(super) fn named(uri: &str) -> Option<Self> {
        Some(match uri.strip_prefix("http://www.w3.org/2001/04/xmldsig-more#")? {
            "rsa-sha256" => Self::RsaSha256,
            "rsa-sha384" => Self::RsaSha384,
            "rsa-sha512" => Self::RsaSha512,
            "ecdsa-sha256" => Self::EcdsaSha256,
            "ecdsa-sha384" => Self::EcdsaSha384,
            _ => return None,
        })
    }
}

impl SigningKey {
    /// The key of a certificate in DER; `None` where it is of another kind, or the certificate is broken.
    pub(super) fn of_certificate(der: &[u8]) -> Option<Self> {
        let (certificate, _) = Der(der).part(SEQUENCE)?;
        let (mut fields, _) = Der(certificate).part(SEQUENCE)?;
        // The version, where it is said.
        if let Some((_, rest)) = Der(fields).part(0xa0) {
            fields = rest;
        }
        // Serial number, algorithm, issuer, validity, subject.
        for tag in [0x02, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE] {
            fields = Der(fields).part(tag)?.1;
        }
        let (info, _) = Der(fields).part(SEQUENCE)?;
        let (algorithm, rest) = Der(info).part(SEQUENCE)?;
        let (bits, _) = Der(rest).part(0x03)?;
        let (&0, key) = bits.split_first()? else { return None };
        let (kind, parameters) = Der(algorithm).part(0x06)?;
        let kind = match kind {
            RSA => Kind::Rsa,
            ELLIPTIC => match Der(parameters).part(0x06)?.0 {
                P256 => Kind::P256,
                P384 => Kind::P384,
                _ => return None,
            },
            _ => return None,
        };
        Some(Self { kind, bytes: key.to_vec() })
    }

    pub(super) fn verifies(&self, method: Method, message: &[u8], signature: &[u8]) -> bool {
        let algorithm: &'static dyn VerificationAlgorithm = match (self.kind, method) {
            (Kind::Rsa, Method::RsaSha256) => &signature::RSA_PKCS1_2048_8192_SHA256,
            (Kind::Rsa, Method::RsaSha384) => &signature::RSA_PKCS1_2048_8192_SHA384,
            (Kind::Rsa, Method::RsaSha512) => &signature::RSA_PKCS1_2048_8192_SHA512,
            (Kind::P256, Method::EcdsaSha256) => &signature::ECDSA_P256_SHA256_FIXED,
            (Kind::P384, Method::EcdsaSha384) => &signature::ECDSA_P384_SHA384_FIXED,
            _ => return false,
        };
        UnparsedPublicKey::new(algorithm, &self.bytes).verify(message, signature).is_ok()
    }
}

/// Values in DER, one behind the other.
struct Der<'b>(&'b [u8]);

impl<'b> Der<'b> {
    /// What is in the value that stands first, if it is of that kind, and what stands behind it.
    fn part(self, tag: u8) -> Option<(&'b [u8], &'b [u8])> {
        let (&[found, first], rest) = self.0.split_first_chunk::<2>()?;
        if found != tag {
            return None;
        }
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x83 => {
                let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (digits.iter().fold(0, |n, digit| n << 8 | usize::from(*digit)), rest)
            }
            _ => return None,
        };
        rest.split_at_checked(length)
    }
}
