//! Changes of trails, one at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use opentrail_catalog::{Check, Error, Key, Txn, decode, encode};
use opentrail_event::{AccountId, Region};
use opentrail_journal::Positions;
use opentrail_selector::EventSelectors;

use super::rows::{NameRow, PartingRow, from_row, name_key, parting_key, revision_key, to_row};
use super::{Book, PAGE, REVISIONS_MAX, RegistryError, TAGS_MAX, TRAILS_MAX, Trails};
use crate::timeline::reached;
use crate::{Config, Logging, Parting, Trail};

/// A trail to be made. It does not log yet.
#[derive(Debug, Clone)]
pub struct NewTrail {
    pub account: AccountId,
    pub home: Region,
    pub name: String,
    pub config: Config,
    pub tags: BTreeMap<String, String>,
}

impl Trails {
    /// Whether [`Trails::create`] would be refused as things are. Asked before the bucket is tried, and not instead.
    pub fn check_new(
        &self,
        account: AccountId,
        home: &Region,
        name: &str,
        multi_region: bool,
    ) -> Result<(), RegistryError> {
        if self.find(account, home, name).is_some() {
            return Err(RegistryError::NameTaken);
        }
        self.check_room(account, home, multi_region, None)
    }

    /// Makes a trail.
    pub async fn create(&self, new: NewTrail) -> Result<Arc<Trail>, RegistryError> {
        let mut book = self.book().await?;
        self.check_new(new.account, &new.home, &new.name, new.config.multi_region)?;
        if new.tags.len() > TAGS_MAX {
            return Err(RegistryError::TooManyTags);
        }
        let trail = Trail {
            id: self.world.bytes::<16>().iter().map(|byte| format!("{byte:02x}")).collect(),
            revision: 1,
            account: new.account,
            name: new.name,
            home: new.home,
            config: new.config,
            selectors: None,
            logging: None,
            started_s: None,
            stopped_s: None,
            tags: new.tags,
            deleted: false,
            from: Positions::default(),
        };
        let name = name_key(trail.account, &trail.home, &trail.name);
        let txn = Txn::new().check(Check::Absent(name.clone())).put(name, encode(&NameRow { id: trail.id.clone() }));
        self.commit(&mut book, txn, trail, None).await
    }

    /// Changes what CreateTrail and UpdateTrail set. `seen` is the revision that `config` was made from: if it is no
    /// longer the newest, that is a conflict. Turning validation on while the trail logs begins a chain.
    ///
    /// Here as below, `call` is the request id of the call that asks for the change: if the trail selected the call's record as it
    /// was before, that record goes into its files though it comes after the change.
    pub async fn update(&self, seen: &Trail, config: Config, call: Option<&str>) -> Result<Arc<Trail>, RegistryError> {
        let mut book = self.book().await?;
        let now = self.newest(&seen.id)?;
        if now.revision != seen.revision {
            return Err(RegistryError::Conflict);
        }
        if now.config == config {
            return Ok(now);
        }
        if config.multi_region && !now.config.multi_region {
            self.check_room(now.account, &now.home, true, Some(&now.id))?;
        }
        let mut next = successor(&now);
        if let Some(logging) = &mut next.logging
            && config.log_file_validation
            && !now.config.log_file_validation
        {
            *logging = Logging { chain_started_s: self.now_s(), run: next.revision };
        }
        next.config = config;
        self.commit(&mut book, Txn::new(), next, call).await
    }

    /// Deletes a trail. Its name is free at once; its revisions stay until [`Trails::forget`].
    pub async fn delete(&self, id: &str, call: Option<&str>) -> Result<Arc<Trail>, RegistryError> {
        let mut book = self.book().await?;
        let now = self.newest(id)?;
        let next = Trail { deleted: true, ..successor(&now) };
        let txn = Txn::new().delete(name_key(now.account, &now.home, &now.name));
        self.commit(&mut book, txn, next, call).await
    }

    /// Starts logging; a trail that logs stays as it is.
    pub async fn start_logging(&self, id: &str) -> Result<Arc<Trail>, RegistryError> {
        let mut book = self.book().await?;
        let now = self.newest(id)?;
        if now.logging.is_some() {
            return Ok(now);
        }
        let mut next = successor(&now);
        let now_s = self.now_s();
        next.logging = Some(Logging { chain_started_s: now_s, run: next.revision });
        next.started_s = Some(now_s);
        self.commit(&mut book, Txn::new(), next, None).await
    }

    /// Stops logging; a trail that does not log stays as it is.
    pub async fn stop_logging(&self, id: &str, call: Option<&str>) -> Result<Arc<Trail>, RegistryError> {
        let mut book = self.book().await?;
        let now = self.newest(id)?;
        if now.logging.is_none() {
            return Ok(now);
        }
        let next = Trail { logging: None, stopped_s: Some(self.now_s()), ..successor(&now) };
        self.commit(&mut book, Txn::new(), next, call).await
    }

    /// Replaces the selectors.
    pub async fn put_selectors(
        &self,
        id: &str,
        selectors: EventSelectors,
        call: Option<&str>,
    ) -> Result<Arc<Trail>, RegistryError> {
        let mut book = self.book().await?;
        let now = self.newest(id)?;
        if now.selectors.as_ref() == Some(&selectors) {
            return Ok(now);
        }
        let next = Trail { selectors: Some(selectors), ..successor(&now) };
        self.commit(&mut book, Txn::new(), next, call).await
    }

    /// Adds tags, in place of those of the same keys.
    pub async fn add_tags(&self, id: &str, tags: BTreeMap<String, String>) -> Result<Arc<Trail>, RegistryError> {
        self.tag(id, |now| now.extend(tags)).await
    }

    /// Removes the tags of these keys; those that are not there are no error.
    pub async fn remove_tags(&self, id: &str, keys: &[String]) -> Result<Arc<Trail>, RegistryError> {
        self.tag(id, |now| now.retain(|key, _| !keys.contains(key))).await
    }

    async fn tag(
        &self,
        id: &str,
        change: impl FnOnce(&mut BTreeMap<String, String>),
    ) -> Result<Arc<Trail>, RegistryError> {
        let mut book = self.book().await?;
        let now = self.newest(id)?;
        let mut next = successor(&now);
        change(&mut next.tags);
        if next.tags == now.tags {
            return Ok(now);
        }
        if next.tags.len() > TAGS_MAX {
            return Err(RegistryError::TooManyTags);
        }
        self.commit(&mut book, Txn::new(), next, None).await
    }

    /// The follower has committed `through`: revisions that only entries before it can ask for go, but for those that wait for
    /// the record of the call that ended them.
    pub async fn prune(&self, through: &Positions) -> Result<(), RegistryError> {
        self.timeline.passed(through);
        let mut book = self.book.lock().await;
        let partings = self.timeline.partings();
        let waits = |id: &str, revision: u64| {
            partings.iter().any(|parting| parting.before.id == id && parting.before.revision == revision)
        };
        let mut gone: Vec<(String, u64)> = Vec::new();
        for (id, revisions) in &book.stored {
            let nexts = revisions.values().skip(1);
            let passed = revisions.keys().zip(nexts).take_while(|(_, next)| reached(through, next));
            let passed = passed.filter(|(revision, _)| !waits(id, **revision));
            gone.extend(passed.map(|(&revision, _)| (id.clone(), revision)));
        }
        self.drop_revisions(&mut book, &gone).await
    }

    /// A deleted trail's chain has ended, and all that it selected is delivered: nothing of it stays.
    pub async fn forget(&self, id: &str) -> Result<(), RegistryError> {
        let mut book = self.book.lock().await;
        if !self.timeline.leaving().iter().any(|trail| trail.id == id) {
            return Err(RegistryError::NotFound);
        }
        // Oldest first: after a crash in between the trail is still a deleted one.
        let revisions = book.stored.get(id).into_iter().flat_map(BTreeMap::keys);
        let gone: Vec<_> = revisions.map(|&revision| (id.to_owned(), revision)).collect();
        self.drop_revisions(&mut book, &gone).await?;
        self.timeline.forget(id);
        Ok(())
    }

    async fn drop_revisions(&self, book: &mut Book, gone: &[(String, u64)]) -> Result<(), RegistryError> {
        for page in gone.chunks(PAGE) {
            let keys = page.iter().map(|(id, revision)| revision_key(id, *revision));
            self.catalog.txn(keys.fold(Txn::new(), Txn::delete)).await?;
            for (id, revision) in page {
                if let Some(revisions) = book.stored.get_mut(id) {
                    revisions.remove(revision);
                    if revisions.is_empty() {
                        book.stored.remove(id);
                    }
                }
            }
        }
        Ok(())
    }

    /// While the guard lives nothing is changed, and nothing is unsettled: what the timeline says of an entry that is in
    /// the journal by now, it will always say.
    pub(crate) async fn still(&self) -> Result<impl Sized + '_, RegistryError> {
        self.book().await
    }

    /// The right to make a change, with nothing unsettled before it.
    async fn book(&self) -> Result<tokio::sync::MutexGuard<'_, Book>, RegistryError> {
        let mut book = self.book.lock().await;
        if let Some((trail, parting)) = book.unsettled.clone() {
            let key = revision_key(&trail.id, trail.revision);
            if let Some(row) = self.catalog.get(&key).await?
                && from_row(&key, decode(&row.value)?)? == *trail
            {
                self.publish(&mut book, trail, parting);
            }
            book.unsettled = None;
        }
        Ok(book)
    }

    fn newest(&self, id: &str) -> Result<Arc<Trail>, RegistryError> {
        self.timeline.current().by_id(id).cloned().ok_or(RegistryError::NotFound)
    }

    /// *Commits* the revision with the other parts of `txn`, then *publishes* it.
    async fn commit(
        &self,
        book: &mut Book,
        txn: Txn,
        mut trail: Trail,
        call: Option<&str>,
    ) -> Result<Arc<Trail>, RegistryError> {
        if book.stored.get(&trail.id).is_some_and(|revisions| revisions.len() >= REVISIONS_MAX) && !trail.deleted {
            return Err(RegistryError::TooManyChanges);
        }
        trail.from = self.ends.borrow().clone();
        let key = revision_key(&trail.id, trail.revision);
        let mut txn = txn.check(Check::Absent(key.clone())).put(key, encode(&to_row(&trail)));
        if trail.revision > 1 {
            txn = txn.check(Check::Is(previous(&trail), 1));
        }
        let parting = call.and_then(|call| {
            let before = self.newest(&trail.id).ok().filter(|before| before.logging.is_some())?;
            Some(Parting { request_id: call.to_owned(), before })
        });
        if let Some(Parting { request_id, .. }) = &parting {
            let row = PartingRow { request_id: request_id.clone() };
            txn = txn.put(parting_key(&trail.id, trail.revision), encode(&row));
        }
        let trail = Arc::new(trail);
        match self.catalog.txn(txn).await {
            Ok(()) => {
                self.publish(book, trail.clone(), parting);
                Ok(trail)
            }
            Err(Error::Conflict { .. }) => Err(RegistryError::Conflict),
            Err(unknown) => {
                book.unsettled = Some((trail, parting));
                Err(unknown.into())
            }
        }
    }

    fn publish(&self, book: &mut Book, trail: Arc<Trail>, parting: Option<Parting>) {
        book.stored.entry(trail.id.clone()).or_default().insert(trail.revision, trail.from.clone());
        self.timeline.change(trail, parting);
        self.wishes.renew(&self.timeline.current());
    }

    /// Whether each region that the trail would be seen in has room. `but` is not counted.
    fn check_room(
        &self,
        account: AccountId,
        home: &Region,
        multi_region: bool,
        but: Option<&str>,
    ) -> Result<(), RegistryError> {
        let current = self.timeline.current();
        let others: Vec<_> = current.of(account).iter().filter(|trail| Some(trail.id.as_str()) != but).collect();
        let seen =
            |region: &Region| others.iter().filter(|trail| trail.config.multi_region || trail.home == *region).count();
        // A region that is nobody's home sees no more than any other.
        let elsewhere = others.iter().map(|trail| &trail.home).filter(|_| multi_region);
        match [home].into_iter().chain(elsewhere).find(|region| seen(region) >= TRAILS_MAX) {
            Some(region) => Err(RegistryError::TooManyTrails { region: region.clone() }),
            None => Ok(()),
        }
    }

    fn now_s(&self) -> i64 {
        self.world.now().as_second()
    }
}

fn successor(trail: &Trail) -> Trail {
    Trail { revision: trail.revision + 1, ..trail.clone() }
}

fn previous(trail: &Trail) -> Key {
    revision_key(&trail.id, trail.revision - 1)
}
