//! The secrets behind page tokens: made once, sealed in the catalog, so that a token outlives a restart.

use opentrail_catalog::{Catalog, Check, Error, Key, Stored, Txn, decode, encode};
use opentrail_policy::{Seal, SealError};
use opentrail_world::World;
use serde::{Deserialize, Serialize};

use super::HouseError;

#[derive(Serialize, Deserialize)]
struct StoredSecret {
    sealed: Vec<u8>,
}

impl Stored for StoredSecret {
    const NAME: &'static str = "token secret";
    const VERSION: u16 = 1;
}

/// Of LookupEvents' tokens, and of those of our own service.
pub(super) async fn secrets(
    catalog: &dyn Catalog,
    seal: &dyn Seal,
    world: &World,
) -> Result<[[u8; 32]; 2], HouseError> {
    let secret = async |service: &str| {
        let key = Key::family("server/token-secret").part(service);
        let context = format!("token-secret/{service}");
        if catalog.get(&key).await?.is_none() {
            let stored = StoredSecret { sealed: seal.seal(&context, &world.bytes::<32>()) };
            let txn = Txn::new().check(Check::Absent(key.clone())).put(key.clone(), encode(&stored));
            match catalog.txn(txn).await {
                Ok(()) | Err(Error::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let row = catalog.get(&key).await?.ok_or(HouseError::Seal(SealError))?;
        let stored: StoredSecret = decode(&row.value)?;
        let opened = seal.open(&context, &stored.sealed).map_err(HouseError::Seal)?;
        opened.try_into().map_err(|_| HouseError::Seal(SealError))
    };
    Ok([secret("cloudtrail").await?, secret("opentrail").await?])
}
