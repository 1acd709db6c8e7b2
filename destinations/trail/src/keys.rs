//! Keys that sign digests: one after another in each region, made when the first digest wants one.
//!
//! ```text
//! trail/key · region · start of validity · fingerprint      [`StoredKey`]
//! ```
//!
//! Public halves stay for ever, for a digest is checked years later. A private half is sealed, and deleted when a newer
//! key is made after its validity.

use std::collections::HashMap;
use std::sync::Arc;

use opentrail_catalog::{Catalog, Check, Key, Stored, Txn, encode};
use opentrail_digest::{KeyError, PublicKey, SigningKey, hex, unhex};
use opentrail_event::Region;
use opentrail_policy::Seal;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::spool::{SpoolError, each};

/// How long a key is valid: 30 days.
const VALID_S: i64 = 30 * 86_400;
/// A key is replaced when less than this is left of it behind the next digest.
const LEFT_S: i64 = 86_400;
/// A key is valid from so long before the first digest that it signs, so that chains which differ by moments share it.
const BEFORE_S: i64 = 3_600;

/// A public key, as ListPublicKeys tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInfo {
    /// DER of the PKCS#1 `RSAPublicKey`.
    pub der: Vec<u8>,
    /// MD5 of it, in lower-case hexadecimal digits.
    pub fingerprint: String,
    /// Seconds since 1970; both ends are within.
    pub valid_from_s: i64,
    pub valid_to_s: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct StoredKey {
    region: Region,
    valid_from_s: i64,
    valid_to_s: i64,
    fingerprint: String,
    /// DER of the PKCS#1 public key, in hexadecimal digits.
    public: String,
    /// PKCS#8, sealed to the [`context`], in hexadecimal digits; `None` once it is deleted.
    private: Option<String>,
}

impl Stored for StoredKey {
    const NAME: &'static str = "signing key";
    const VERSION: u16 = 1;
}

impl StoredKey {
    fn stored_under(&self) -> Key {
        // Times before 1970 are nobody's; the clamp keeps a broken clock from making a second key under one name.
        let from = u64::try_from(self.valid_from_s).unwrap_or(0);
        of_region(&self.region).number(from).part(&self.fingerprint)
    }
}

fn of_region(region: &Region) -> Key {
    Key::family("trail/key").part(region.as_str())
}

/// What a private key is sealed to.
fn context(region: &Region, fingerprint: &str) -> String {
    format!("trail key {region} {fingerprint}")
}

struct Held {
    stored: StoredKey,
    signer: Option<Arc<SigningKey>>,
}

/// The keys of all regions.
pub(crate) struct Keys {
    catalog: Arc<dyn Catalog>,
    seal: Arc<dyn Seal>,
    make: fn() -> Result<SigningKey, KeyError>,
    /// By region, as far as they were asked for; in the order of their validity.
    regions: Mutex<HashMap<Region, Vec<Held>>>,
}

impl Keys {
    /// `make` makes new ones.
    pub(crate) fn new(
        catalog: Arc<dyn Catalog>,
        seal: Arc<dyn Seal>,
        make: fn() -> Result<SigningKey, KeyError>,
    ) -> Self {
        Self { catalog, seal, make, regions: Mutex::default() }
    }

    /// The key that signs a digest ending at `at_s` where the next one ends `interval_s` later.
    pub(crate) async fn signer(
        &self,
        region: &Region,
        at_s: i64,
        interval_s: i64,
    ) -> Result<Arc<SigningKey>, SpoolError> {
        let mut regions = self.regions.lock().await;
        let held = self.of(&mut regions, region).await?;
        let needed_to = at_s.saturating_add((interval_s + LEFT_S).min(VALID_S / 2));
        let fits = |key: &&mut Held| {
            key.stored.private.is_some() && key.stored.valid_from_s <= at_s && key.stored.valid_to_s >= needed_to
        };
        if let Some(key) = held.iter_mut().rev().find(fits) {
            return self.open(key);
        }
        let made = self.make(held, region, at_s).await;
        if made.is_err() {
            // It may have landed all the same: the next look reads what is stored.
            regions.remove(region);
        }
        made
    }

    /// Keys whose validity meets the span from `from_s` to `to_s`.
    pub(crate) async fn list(&self, region: &Region, from_s: i64, to_s: i64) -> Result<Vec<KeyInfo>, SpoolError> {
        let mut regions = self.regions.lock().await;
        let held = self.of(&mut regions, region).await?;
        let meets = |key: &&Held| key.stored.valid_from_s <= to_s && key.stored.valid_to_s >= from_s;
        held.iter().filter(meets).map(|key| info(&key.stored)).collect()
    }

    async fn of<'a>(
        &self,
        regions: &'a mut HashMap<Region, Vec<Held>>,
        region: &Region,
    ) -> Result<&'a mut Vec<Held>, SpoolError> {
        if !regions.contains_key(region) {
            let mut held = Vec::new();
            each::<StoredKey>(&*self.catalog, &of_region(region), |stored| held.push(Held { stored, signer: None }))
                .await?;
            regions.insert(region.clone(), held);
        }
        Ok(regions.get_mut(region).expect("it was put there just now"))
    }

    fn open(&self, key: &mut Held) -> Result<Arc<SigningKey>, SpoolError> {
        if let Some(signer) = &key.signer {
            return Ok(signer.clone());
        }
        let StoredKey { region, fingerprint, private, .. } = &key.stored;
        let sealed = private.as_deref().and_then(unhex).ok_or_else(|| bad("its private half is not there"))?;
        let plain = self.seal.open(&context(region, fingerprint), &sealed).map_err(bad)?;
        let signer = Arc::new(SigningKey::from_pkcs8(&plain).map_err(bad)?);
        if signer.public().fingerprint() != fingerprint {
            return Err(bad("its halves do not belong together"));
        }
        key.signer = Some(signer.clone());
        Ok(signer)
    }

    async fn make(&self, held: &mut Vec<Held>, region: &Region, at_s: i64) -> Result<Arc<SigningKey>, SpoolError> {
        let made = tokio::task::spawn_blocking(self.make).await.map_err(|e| SpoolError::Worker(e.to_string()))?;
        let signer = Arc::new(made.map_err(bad)?);
        let (public, plain) = (signer.public(), signer.to_pkcs8().map_err(bad)?);
        let fingerprint = public.fingerprint().to_owned();
        let sealed = self.seal.seal(&context(region, &fingerprint), &plain);
        let valid_from_s = at_s.saturating_sub(BEFORE_S);
        let stored = StoredKey {
            region: region.clone(),
            valid_from_s,
            valid_to_s: valid_from_s.saturating_add(VALID_S),
            fingerprint,
            public: hex(public.der()),
            private: Some(hex(&sealed)),
        };
        let key = stored.stored_under();
        let mut txn = Txn::new().check(Check::Absent(key.clone())).put(key, encode(&stored));
        for old in held.iter().filter(|old| old.stored.private.is_some() && old.stored.valid_to_s < at_s) {
            txn = txn.put(old.stored.stored_under(), encode(&StoredKey { private: None, ..old.stored.clone() }));
        }
        self.catalog.txn(txn).await?;
        for old in held.iter_mut().filter(|old| old.stored.valid_to_s < at_s) {
            (old.stored.private, old.signer) = (None, None);
        }
        tracing::info!(region = %region, fingerprint = %stored.fingerprint, "made a key to sign digests");
        held.push(Held { stored, signer: Some(signer.clone()) });
        held.sort_by_key(|key| key.stored.valid_from_s);
        Ok(signer)
    }
}

fn info(stored: &StoredKey) -> Result<KeyInfo, SpoolError> {
    let der = unhex(&stored.public).ok_or_else(|| bad("its public half is not hexadecimal"))?;
    let public = PublicKey::from_der(&der).map_err(bad)?;
    Ok(KeyInfo {
        der,
        fingerprint: public.fingerprint().to_owned(),
        valid_from_s: stored.valid_from_s,
        valid_to_s: stored.valid_to_s,
    })
}

fn bad(why: impl ToString) -> SpoolError {
    SpoolError::Key(why.to_string())
}

#[cfg(test)]
mod tests {
    use opentrail_catalog::decode;

    use super::*;

    #[test]
    fn a_key_that_version_1_stored_stays_readable() {
        let key = StoredKey {
            region: Region::us_east_1(),
            valid_from_s: 1,
            valid_to_s: 2,
            fingerprint: "ab".into(),
            public: "cd".into(),
            private: Some("ef".into()),
        };
        let json =
            r#"{"region":"us-east-1","valid_from_s":1,"valid_to_s":2,"fingerprint":"ab","public":"cd","private":"ef"}"#;
        let bytes = [b"\0\x01", json.as_bytes()].concat();
        assert_eq!((encode(&key), decode(&bytes)), (bytes.clone().into(), Ok(key)));
    }
}
