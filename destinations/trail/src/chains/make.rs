//! One digest: *stage* (list, sign, store the bytes) → *commit* (the digest's row, the chain, the log files that it lists
//! and that wait no longer, in one transaction). Published like log files.

use jiff::Timestamp;
use opentrail_blobs::BlobKey;
use opentrail_catalog::{Check, From, Key, Txn, Version, decode, encode};
use opentrail_digest::{Digest, DigestKey, LogFile, Signed, breaks_line};

use super::Tracked;
use super::row::{Chain, ChainId, Newest};
use crate::Delivery;
use crate::spool::row::{Delivered, Kind, Spooled};
use crate::spool::{PAGE, SpoolError, stage};

/// Log files that one digest lists; what is left goes into the next one, which is made at once.
const LOG_FILES_MAX: usize = 10_000;

/// A digest whose transaction was sent.
#[derive(Debug)]
pub(super) struct Attempt {
    row: Spooled,
    next: Chain,
    more: bool,
}

/// What a digest will list.
struct Listed {
    files: Vec<Delivered>,
    more: bool,
}

impl Delivery {
    /// Makes the digest that ends at `end_s`; the last one if `last`, unless there is more than it can list.
    pub(super) async fn make(
        &self,
        id: &ChainId,
        tracked: &mut Tracked,
        end_s: i64,
        last: bool,
    ) -> Result<(), SpoolError> {
        let listed = match tracked.begun() {
            Some(_) => self.listed(id, end_s, last).await?,
            // The first of a chain lists nothing.
            None => Listed { files: Vec::new(), more: false },
        };
        let (signed, row) = self.sign(id, tracked, end_s, &listed.files).await?;
        let newest = Newest {
            end_s,
            bucket: signed.as_previous.bucket.clone(),
            key: signed.as_previous.key.clone(),
            sha256: signed.as_previous.sha256_hex.clone(),
            signature: signed.as_previous.signature.clone(),
        };
        let next = Chain {
            trail: id.trail.clone(),
            run: id.run,
            region: id.region.clone(),
            place: tracked.place.clone(),
            started_s: tracked.begun().map_or(end_s, |chain| chain.started_s),
            newest,
            ended: last && !listed.more,
        };
        let blob = BlobKey::new(&*row.blob)?;
        stage::put(&*self.spool.blobs, &blob, &signed.body.into()).await?;

        let guard = match &tracked.chain {
            Some((_, version)) => Check::Is(id.stored_under(), *version),
            None => Check::Absent(id.stored_under()),
        };
        let txn = Txn::new().check(guard).put(row.stored_under(), encode(&row)).put(id.stored_under(), encode(&next));
        let txn = listed.files.iter().fold(txn, |txn, file| txn.delete(file.stored_under()));
        let attempt = Attempt { row, next, more: listed.more };
        match self.spool.catalog.txn(txn).await {
            Ok(()) => {
                let version = tracked.chain.as_ref().map_or(1, |(_, version)| version + 1);
                self.made(tracked, attempt, version);
                Ok(())
            }
            Err(error) => {
                tracked.attempt = Some(attempt);
                if self.settle(tracked).await? { Ok(()) } else { Err(error.into()) }
            }
        }
    }

    /// Finds out whether a digest was committed of which that is unknown. True where it was.
    pub(super) async fn settle(&self, tracked: &mut Tracked) -> Result<bool, SpoolError> {
        let Some(attempt) = &tracked.attempt else { return Ok(false) };
        let chain_key =
            ChainId { trail: attempt.row.trail.clone(), run: attempt.row.run, region: attempt.row.region.clone() };
        let stored = match self.spool.catalog.get(&chain_key.stored_under()).await? {
            Some(stored) => Some((decode::<Chain>(&stored.value)?, stored.version)),
            None => None,
        };
        let Some(attempt) = tracked.attempt.take() else { return Ok(false) };
        // A chain's newest digest differs from one to the next.
        if let Some((chain, version)) = &stored
            && *chain == attempt.next
        {
            self.made(tracked, attempt, *version);
            return Ok(true);
        }
        if stored != tracked.chain {
            return Err(SpoolError::NotAlone);
        }
        if let Ok(blob) = BlobKey::new(&*attempt.row.blob)
            && let Err(error) = self.spool.blobs.delete(&blob).await
        {
            tracing::warn!(%error, %blob, "delete a digest that was not committed; the next start sweeps it");
        }
        Ok(false)
    }

    /// The digest is committed.
    fn made(&self, tracked: &mut Tracked, attempt: Attempt, version: Version) {
        tracked.made_at = self.world.monotonic();
        tracked.more = attempt.more;
        self.spool.add(&[attempt.row]);
        metrics::counter!("opentrail_trail_digests_total").increment(1);
        tracked.chain = Some((attempt.next, version));
    }

    /// Log files that wait for a digest which ends at `end_s`, or for the last one.
    async fn listed(&self, id: &ChainId, end_s: i64, last: bool) -> Result<Listed, SpoolError> {
        let now_s = self.world.now().as_second();
        let (family, mut files): (Key, Vec<Delivered>) = (id.delivered(), Vec::new());
        let mut from = From::Start;
        loop {
            let page = self.spool.catalog.list(&family, from, PAGE).await?;
            let Some((key, _)) = page.last() else { return Ok(Listed { files, more: false }) };
            from = From::After(key.clone());
            for (_, stored) in &page {
                let file: Delivered = decode(&stored.value)?;
                // What was delivered before the clock stepped back is not of the future.
                if last || file.delivered_s < end_s || file.delivered_s > now_s {
                    if files.len() == LOG_FILES_MAX {
                        return Ok(Listed { files, more: true });
                    }
                    files.push(file);
                }
            }
        }
    }

    async fn sign(
        &self,
        id: &ChainId,
        tracked: &Tracked,
        end_s: i64,
        files: &[Delivered],
    ) -> Result<(Signed, Spooled), SpoolError> {
        let place = &tracked.place;
        let interval_s = self.settings.digest_interval.as_secs() as i64;
        let previous = tracked.begun().map(|chain| &chain.newest);
        let start_s = previous.map_or(end_s - interval_s, |previous| previous.end_s);
        let (trail, home) = place.trail_name();
        let key = DigestKey {
            prefix: place.prefix.clone(),
            organization: None,
            account: place.account,
            region: id.region.clone(),
            trail: trail.to_owned(),
            home: home.parse().map_err(|_| SpoolError::Key(format!("{} names no region", place.arn.as_str())))?,
            end: at(end_s),
            backfill: false,
        };
        let digest = Digest {
            account: place.account,
            start: at(start_s),
            end: at(end_s),
            bucket: place.bucket.clone(),
            key: key.to_string(),
            previous: previous.map(Newest::as_previous),
            log_files: files.iter().map(log_file).collect(),
        };
        // The key signs for every account of the region: nobody may choose more of what is signed than one line.
        if breaks_line(&digest.bucket) || breaks_line(&digest.key) {
            return Err(SpoolError::Key(format!("{:?} is not signed: it holds a line break", digest.key)));
        }
        let signer = self.keys.signer(&id.region, end_s, interval_s).await?;
        let signed = digest.sign(&signer);
        let row = Spooled {
            seq: self.spool.ledger().next_seq(),
            kind: Kind::Digest,
            trail: id.trail.clone(),
            arn: place.arn.clone(),
            run: id.run,
            chain_started_s: None,
            account: place.account,
            region: id.region.clone(),
            bucket: place.bucket.clone(),
            prefix: place.prefix.clone(),
            key: digest.key,
            blob: self.spool.name().as_str().to_owned(),
            bytes: signed.body.len() as u64,
            sha256: signed.as_previous.sha256_hex.clone(),
            oldest_s: None,
            newest_s: None,
            staged_s: self.world.now().as_second(),
            recorded: true,
            signature: Some(signed.as_previous.signature.clone()),
        };
        Ok((signed, row))
    }
}

fn log_file(file: &Delivered) -> LogFile {
    LogFile {
        bucket: file.bucket.clone(),
        key: file.key.clone(),
        sha256_hex: file.sha256.clone(),
        newest: at(file.newest_s),
        oldest: at(file.oldest_s),
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH)
}
