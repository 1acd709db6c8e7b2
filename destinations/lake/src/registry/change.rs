//! Changes of stores, one at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use opentrail_catalog::{Check, Error, From, Key, Txn, decode, encode};
use opentrail_event::{AccountId, EventId, Family, Region};
use opentrail_journal::Positions;
use tokio::sync::MutexGuard;

use super::rows::{LeavingRow, NameRow, from_row, leaving, name_key, names, store_key, to_row};
use super::{Book, COURSES_MAX, PAGE, RegistryError, STORES_MAX, Stores, TAGS_MAX, Unsettled};
use crate::EventDataStore;
use crate::store::{Config, Course, EventConfiguration, Status};

/// A store to be made.
#[derive(Debug, Clone)]
pub struct NewStore {
    pub account: AccountId,
    pub home: Region,
    pub name: String,
    pub config: Config,
    pub tags: BTreeMap<String, String>,
    /// Whether it takes events at once.
    pub ingests: bool,
}

/// What an update leaves.
#[derive(Debug, Clone)]
pub struct Change {
    pub name: String,
    /// Its selectors name the same family as before.
    pub config: Config,
}

impl Stores {
    /// Makes a store.
    pub async fn create(&self, new: NewStore) -> Result<Arc<EventDataStore>, RegistryError> {
        let mut book = self.book().await?;
        if new.tags.len() > TAGS_MAX {
            return Err(RegistryError::TooManyTags);
        }
        let there = self.list(new.account, &new.home);
        if there.iter().any(|store| store.name == new.name) {
            return Err(RegistryError::NameTaken);
        }
        if there.len() >= STORES_MAX {
            return Err(RegistryError::TooManyStores);
        }
        let now_s = self.world.now().as_second();
        let store = EventDataStore {
            id: EventId::from_bytes(self.world.uuid_v4()).to_string(),
            revision: 0,
            account: new.account,
            home: new.home,
            name: new.name,
            family: new.config.selectors.family().unwrap_or(Family::Events),
            config: new.config,
            events: EventConfiguration::default(),
            tags: new.tags,
            ingests: new.ingests,
            created_s: now_s,
            updated_s: now_s,
            deleted_s: None,
            courses: Vec::new(),
        };
        let name = name_key(store.account, &store.home, &store.name);
        let room = Check::AtMost { prefix: names(store.account, &store.home), max: STORES_MAX as u64 - 1 };
        let txn = Txn::new().check(Check::Absent(name.clone())).check(room);
        let txn = txn.put(name, encode(&NameRow { id: store.id.clone() }));
        self.commit(&mut book, txn, store).await
    }

    /// Changes what UpdateEventDataStore sets. `seen` is the store that the change was made from: if it is no longer the
    /// newest, that is a conflict.
    pub async fn update(&self, seen: &EventDataStore, change: Change) -> Result<Arc<EventDataStore>, RegistryError> {
        let mut book = self.book().await?;
        let now = self.active(&seen.id)?;
        if now.revision != seen.revision {
            return Err(RegistryError::Conflict);
        }
        if now.name == change.name && now.config == change.config {
            return Ok(now);
        }
        let mut txn = Txn::new();
        if now.name != change.name {
            if self.list(now.account, &now.home).iter().any(|store| store.name == change.name) {
                return Err(RegistryError::NameTaken);
            }
            let name = name_key(now.account, &now.home, &change.name);
            txn = txn.check(Check::Absent(name.clone())).put(name, encode(&NameRow { id: now.id.clone() }));
            txn = txn.delete(name_key(now.account, &now.home, &now.name));
        }
        let next = EventDataStore { name: change.name, config: change.config, ..self.touched(&now) };
        self.commit(&mut book, txn, next).await
    }

    /// From now on it waits to be deleted.
    pub async fn delete(&self, id: &str) -> Result<Arc<EventDataStore>, RegistryError> {
        let mut book = self.book().await?;
        let now = self.active(id)?;
        if now.config.termination_protection {
            return Err(RegistryError::Protected);
        }
        let next = EventDataStore { deleted_s: Some(self.world.now().as_second()), ..self.touched(&now) };
        self.commit(&mut book, Txn::new(), next).await
    }

    /// Takes a store back that waits to be deleted.
    pub async fn restore(&self, id: &str) -> Result<Arc<EventDataStore>, RegistryError> {
        let mut book = self.book().await?;
        let now = self.newest(id)?;
        if now.deleted_s.is_none() {
            return Err(RegistryError::WrongStatus(now.status()));
        }
        let next = EventDataStore { deleted_s: None, ..self.touched(&now) };
        self.commit(&mut book, Txn::new(), next).await
    }

    /// Starts or stops the taking in of events.
    pub async fn set_ingests(&self, id: &str, ingests: bool) -> Result<Arc<EventDataStore>, RegistryError> {
        let mut book = self.book().await?;
        let now = self.active(id)?;
        if !matches!(now.family, Family::Events | Family::ConfigurationItem) {
            return Err(RegistryError::WrongFamily);
        }
        if now.ingests == ingests {
            return Err(RegistryError::WrongStatus(now.status()));
        }
        let next = EventDataStore { ingests, ..self.touched(&now) };
        self.commit(&mut book, Txn::new(), next).await
    }

    /// Replaces the event configuration.
    pub async fn configure(&self, id: &str, events: EventConfiguration) -> Result<Arc<EventDataStore>, RegistryError> {
        let mut book = self.book().await?;
        let now = self.active(id)?;
        if now.events == events {
            return Ok(now);
        }
        let next = EventDataStore { events, ..self.touched(&now) };
        self.commit(&mut book, Txn::new(), next).await
    }

    /// Adds tags, in place of those of the same keys.
    pub async fn add_tags(&self, id: &str, tags: BTreeMap<String, String>) -> Result<(), RegistryError> {
        self.tag(id, |now| now.extend(tags)).await
    }

    /// Removes the tags of these keys; those that are not there are no error.
    pub async fn remove_tags(&self, id: &str, keys: &[String]) -> Result<(), RegistryError> {
        self.tag(id, |now| now.retain(|key, _| !keys.contains(key))).await
    }

    async fn tag(&self, id: &str, change: impl FnOnce(&mut BTreeMap<String, String>)) -> Result<(), RegistryError> {
        let mut book = self.book().await?;
        let now = self.active(id)?;
        // Tags are no change of the store itself: its time of update stays.
        let mut next = EventDataStore::clone(&now);
        change(&mut next.tags);
        if next.tags == now.tags {
            return Ok(());
        }
        if next.tags.len() > TAGS_MAX {
            return Err(RegistryError::TooManyTags);
        }
        self.commit(&mut book, Txn::new(), next).await.map(drop)
    }

    /// A store whose time to be restored is over is no more. Its table is [left](Stores::leaving) to be removed.
    pub(crate) async fn forget(&self, id: &str) -> Result<(), RegistryError> {
        let mut book = self.book().await?;
        let now = self.newest(id)?;
        let key = store_key(id);
        let txn = Txn::new().check(Check::Is(key.clone(), now.revision)).delete(key);
        let txn = txn.delete(name_key(now.account, &now.home, &now.name));
        let txn = txn.put(leaving().part(id), encode(&LeavingRow {}));
        match self.catalog.txn(txn).await {
            Ok(()) => {
                self.publish(|stores| stores.retain(|store| store.id != id));
                Ok(())
            }
            Err(error) => {
                book.unsettled = Some(Unsettled::Gone(id.to_owned()));
                Err(error.into())
            }
        }
    }

    /// Tables of stores that are no more, some of them.
    pub(crate) async fn leaving(&self) -> Result<Vec<String>, RegistryError> {
        let page = self.catalog.list(&leaving(), From::Start, PAGE).await?;
        let id = |key: &Key| String::from_utf8(key.parts()?.pop()?).ok();
        Ok(page.iter().filter_map(|(key, _)| id(key)).collect())
    }

    /// The table of a store that is no more was removed.
    pub(crate) async fn left(&self, id: &str) -> Result<(), RegistryError> {
        Ok(self.catalog.txn(Txn::new().delete(leaving().part(id))).await?)
    }

    /// While the guard lives nothing is changed, and nothing is unsettled: what the courses say of an entry that is in the
    /// journal by now, they will always say.
    pub(crate) async fn still(&self) -> Result<impl Sized + '_, RegistryError> {
        self.book().await
    }

    /// Every store has taken, durably, what stands before `through`.
    pub(crate) async fn passed(&self, through: &Positions) {
        self.book.lock().await.passed = through.clone();
    }

    /// The right to make a change, with nothing unsettled before it.
    async fn book(&self) -> Result<MutexGuard<'_, Book>, RegistryError> {
        let mut book = self.book.lock().await;
        match book.unsettled.clone() {
            None => {}
            Some(Unsettled::Put(store)) => {
                let key = store_key(&store.id);
                if let Some(row) = self.catalog.get(&key).await?
                    && from_row(&key, decode(&row.value)?)? == *store
                {
                    self.put(store);
                }
            }
            Some(Unsettled::Gone(id)) => {
                if self.catalog.get(&store_key(&id)).await?.is_none() {
                    self.publish(|stores| stores.retain(|store| store.id != id));
                }
            }
        }
        book.unsettled = None;
        Ok(book)
    }

    fn newest(&self, id: &str) -> Result<Arc<EventDataStore>, RegistryError> {
        self.now().iter().find(|store| store.id == id).cloned().ok_or(RegistryError::NotFound)
    }

    /// The store, unless it waits to be deleted.
    fn active(&self, id: &str) -> Result<Arc<EventDataStore>, RegistryError> {
        let store = self.newest(id)?;
        if store.status() == Status::PendingDeletion { Err(RegistryError::PendingDeletion) } else { Ok(store) }
    }

    fn touched(&self, store: &EventDataStore) -> EventDataStore {
        EventDataStore { updated_s: self.world.now().as_second(), ..store.clone() }
    }

    /// *Commits* the store with the other parts of `txn`, then *publishes* it.
    async fn commit(
        &self,
        book: &mut Book,
        txn: Txn,
        mut store: EventDataStore,
    ) -> Result<Arc<EventDataStore>, RegistryError> {
        self.set_course(book, &mut store)?;
        store.revision += 1;
        let key = store_key(&store.id);
        // A record's version counts its writes, and so does the revision.
        let guard = match store.revision {
            1 => Check::Absent(key.clone()),
            revision => Check::Is(key.clone(), revision - 1),
        };
        let store = Arc::new(store);
        match self.catalog.txn(txn.check(guard).put(key, encode(&to_row(&store)))).await {
            Ok(()) => {
                self.put(store.clone());
                Ok(store)
            }
            Err(Error::Conflict { .. }) => Err(RegistryError::Conflict),
            Err(unknown) => {
                book.unsettled = Some(Unsettled::Put(store));
                Err(unknown.into())
            }
        }
    }

    /// From the journal's end on the store takes what it now selects; places that all have passed are forgotten.
    fn set_course(&self, book: &Book, store: &mut EventDataStore) -> Result<(), RegistryError> {
        let takes = store.takes();
        let reached = |course: &Course| course.from.0.iter().all(|(p, offset)| book.passed.next(*p) >= *offset);
        let passed = store.courses.iter().rposition(reached).unwrap_or(0);
        store.courses.drain(..passed);
        if store.courses.last().is_some_and(|course| course.takes == takes) {
            return Ok(());
        }
        let from = self.ends.borrow().clone();
        // Nothing can have been appended between two changes at one place.
        store.courses.pop_if(|course| course.from == from);
        if store.courses.len() >= COURSES_MAX && takes.is_some() {
            return Err(RegistryError::TooManyChanges);
        }
        store.courses.push(Course { from, takes });
        Ok(())
    }

    fn put(&self, store: Arc<EventDataStore>) {
        self.publish(|stores| {
            stores.retain(|other| other.id != store.id);
            stores.push(store);
        });
    }
}
