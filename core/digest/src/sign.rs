//! Keys that sign digests, and what proves a signature: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017).

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey};
use md5::{Digest as _, Md5};
use zeroize::Zeroizing;

use crate::{hex, unhex};

/// How a PKCS#1 public key begins: a sequence that holds an integer first. One in another wrapping (SPKI) holds a sequence first.
const PKCS1_START: [u8; 5] = [0x30, 0x82, 0x01, 0x0a, 0x02];

/// Why there is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("make a signing key")]
    Generate,
    #[error("read a signing key: not an RSA key of 2048 bits in PKCS#8")]
    Private,
    #[error("read a public key: not an RSA key of 2048 bits in PKCS#1")]
    Public,
}

/// The signature is not the key's for the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("signature verification failed")]
pub struct BadSignature;

/// A private key of 2048 bits, and its public half.
pub struct SigningKey {
    pair: RsaKeyPair,
    public: PublicKey,
}

/// A public key of 2048 bits, as `ListPublicKeys` tells it.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    der: Vec<u8>,
    fingerprint: String,
}

impl SigningKey {
    /// A new key. The chance is the cryptographic library's own and cannot be handed in: a simulation reads a key that it brought with
    /// [`from_pkcs8`](Self::from_pkcs8).
    pub fn generate() -> Result<Self, KeyError> {
        RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError::Generate).and_then(Self::of)
    }

    /// Reads what [`to_pkcs8`](Self::to_pkcs8) wrote.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        RsaKeyPair::from_pkcs8(der).map_err(|_| KeyError::Private).and_then(Self::of).map_err(|_| KeyError::Private)
    }

    fn of(pair: RsaKeyPair) -> Result<Self, KeyError> {
        let public = PublicKey::from_der(pair.public_key().as_ref())?;
        Ok(Self { pair, public })
    }

    /// The private key in DER of PKCS#8, to be sealed before it is stored.
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&self.pair).map_err(|_| KeyError::Private)?;
        Ok(Zeroizing::new(der.as_ref().to_vec()))
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The signature of a message, as 512 hexadecimal digits. The same message always has the same one.
    pub fn sign(&self, message: &[u8]) -> String {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let signed = self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature);
        signed.expect("a key that was read or made can sign");
        hex(&signature)
    }
}

impl PublicKey {
    /// Reads the DER of a PKCS#1 `RSAPublicKey` of 2048 bits: 270 bytes, as `ListPublicKeys` answers.
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        if !der.starts_with(&PKCS1_START) || der.len() != 270 {
            return Err(KeyError::Public);
        }
        Ok(Self { der: der.to_vec(), fingerprint: hex(&Md5::digest(der)) })
    }

    /// The DER of the PKCS#1 `RSAPublicKey`.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The MD5 of the DER, in 32 lower-case hexadecimal digits: how digests name the key.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Whether the signature (hexadecimal digits) is this key's for the message.
    pub fn verify(&self, message: &[u8], signature: &str) -> Result<(), BadSignature> {
        let signature = unhex(signature).ok_or(BadSignature)?;
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.der);
        key.verify(message, &signature).map_err(|_| BadSignature)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("fingerprint", &self.public.fingerprint).finish_non_exhaustive()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PublicKey").field(&self.fingerprint).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by OpenSSL 3 (`openssl genpkey`), with its own public half, MD5 and signature.
    const PRIVATE: &[u8] = include_bytes!("../fixtures/openssl.pkcs8.der");
    const PUBLIC: &[u8] = include_bytes!("../fixtures/openssl.pkcs1.der");
    const SPKI: &[u8] = include_bytes!("../fixtures/openssl.spki.der");
    const MD5: &str = include_str!("../fixtures/openssl.md5");
    const SIGNATURE: &str = include_str!("../fixtures/openssl.signature");
    const MESSAGE: &[u8] = b"2026-01-01T01:00:10Z\nb/k\nhash\nnull";

    #[test]
    fn openssl_agrees() {
        let key = SigningKey::from_pkcs8(PRIVATE).expect("a key");
        assert_eq!(key.public().der(), PUBLIC);
        assert_eq!(key.public().fingerprint(), MD5.trim());
        assert_eq!(key.sign(MESSAGE), SIGNATURE.trim());
        let public = PublicKey::from_der(PUBLIC).expect("a key");
        assert_eq!(public.verify(MESSAGE, SIGNATURE.trim()), Ok(()));
        assert_eq!(public.verify(MESSAGE, &SIGNATURE.trim().to_uppercase()), Ok(()));
    }

    #[test]
    fn a_new_key_is_kept_and_read() {
        let key = SigningKey::generate().expect("a key");
        let again = SigningKey::from_pkcs8(&key.to_pkcs8().expect("DER")).expect("a key");
        assert_eq!(again.public(), key.public());
        let signature = key.sign(MESSAGE);
        assert_eq!((signature.len(), key.public().der().len()), (512, 270));
        assert_eq!(again.sign(MESSAGE), signature);
        assert_eq!(key.public().verify(MESSAGE, &signature), Ok(()));
        assert_ne!(SigningKey::generate().expect("a key").public(), key.public());
        assert!(!format!("{key:?}").contains("der"));
    }

    #[test]
    fn anything_else_is_not_the_signature() {
        let public = PublicKey::from_der(PUBLIC).expect("a key");
        let signature = SIGNATURE.trim();
        for bad in ["", "zz", &signature[2..], &format!("{signature}00"), &signature.replacen(&signature[..1], "x", 1)]
        {
            assert_eq!(public.verify(MESSAGE, bad), Err(BadSignature), "{bad}");
        }
        for at in 0..256 {
            let mut bytes = unhex(signature).expect("digits");
            bytes[at] ^= 1 << (at % 8);
            assert_eq!(public.verify(MESSAGE, &hex(&bytes)), Err(BadSignature));
        }
        assert_eq!(public.verify(b"another message", signature), Err(BadSignature));
    }

    #[test]
    fn other_keys_are_refused() {
        for bad in [&[][..], &PUBLIC[..269], SPKI, PRIVATE] {
            assert_eq!(PublicKey::from_der(bad).err(), Some(KeyError::Public));
        }
        for bad in [&[][..], &PRIVATE[..100], PUBLIC] {
            assert_eq!(SigningKey::from_pkcs8(bad).err(), Some(KeyError::Private));
        }
    }
}
