//! Buckets elsewhere, in front of the house's own: what goes out to them is signed as the door checks what comes in.

use std::sync::Arc;

use http::HeaderMap;
use opentrail_delivery::Buckets;
use opentrail_s3_remote::{RemoteBucket, RemoteBuckets, SignS3, ToSign};
use opentrail_wire::sigv4::{BodyToSign, Signer};
use opentrail_world::World;

/// `own` and, in front of it, the buckets that the configuration names.
pub(super) fn in_front_of(own: Arc<dyn Buckets>, remote: Vec<RemoteBucket>, world: &World) -> Arc<dyn Buckets> {
    if remote.is_empty() {
        return own;
    }
    Arc::new(RemoteBuckets::new(own, remote, Arc::new(Signs { world: world.clone() })))
}

struct Signs {
    world: World,
}

impl SignS3 for Signs {
    fn sign(&self, by: &RemoteBucket, call: ToSign<'_>, headers: &mut HeaderMap) -> Result<(), String> {
        let signer = Signer {
            access_key_id: &by.key.access_key_id,
            secret: &by.key.secret,
            region: by.region.as_str(),
            service: "s3",
            at: self.world.now(),
        };
        let body = BodyToSign::Whole(call.body);
        signer.sign(call.method, call.path, call.query, headers, body).map_err(|error| error.to_string())
    }
}
