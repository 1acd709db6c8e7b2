//! A bucket of a server, by signed requests.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use futures::future::{BoxFuture, FutureExt};
use opentrail_digest::DigestKey;
use opentrail_digest::verify::{Listed, OBJECT_BYTES_MAX, Object, ReadError, Source, SourceError};

use super::metadata::Metadata;
use crate::client::{Client, ClientError, List};

/// Most pages of folders.
const PAGES_MAX: usize = 100;
/// How often a request is tried whose connection broke.
const ATTEMPTS_MAX: u32 = 3;
const METADATA: &str = "x-amz-meta-";

/// The bucket.
pub(super) struct Bucket {
    name: String,
    first: Client,
    /// Clients that nobody is using, each with its connection.
    idle: Mutex<Vec<Client>>,
    /// Metadata of the digests that were read, where they are to be saved.
    saved: Option<Mutex<Metadata>>,
}

impl Bucket {
    pub(super) fn new(name: String, client: Client, save: bool) -> Self {
        Self { name, first: client, idle: Mutex::default(), saved: save.then(Mutex::default) }
    }

    /// What was saved.
    pub(super) fn saved(&self) -> Metadata {
        let saved = self.saved.as_ref().map(|saved| std::mem::take(&mut *held(saved)));
        saved.unwrap_or_default()
    }

    fn take(&self) -> Client {
        held(&self.idle).pop().unwrap_or_else(|| self.first.another())
    }

    async fn list_page(&self, list: List<'_>) -> Result<crate::client::Listing, SourceError> {
        let mut client = self.take();
        let mut listed = client.list_objects(list).await;
        for _ in 1..ATTEMPTS_MAX {
            if !matches!(listed, Err(ClientError::Broken { .. })) {
                break;
            }
            listed = client.list_objects(list).await;
        }
        let page = listed.map_err(|error| SourceError(format!("list s3://{}/{}: {error}", self.name, list.prefix)))?;
        held(&self.idle).push(client);
        Ok(page)
    }

    async fn object(&self, bucket: &str, key: &str) -> Result<Object, ReadError> {
        let mut client = self.take();
        let mut got = client.get_object(bucket, key).await;
        for _ in 1..ATTEMPTS_MAX {
            if !matches!(got, Err(ClientError::Broken { .. })) {
                break;
            }
            got = client.get_object(bucket, key).await;
        }
        // A refusal leaves the connection as it was.
        if !matches!(got, Err(ClientError::Broken { .. } | ClientError::Unreachable { .. })) {
            held(&self.idle).push(client);
        }
        let response = got.map_err(|error| match &error {
            ClientError::Refused { code, .. } if code == "NoSuchKey" => ReadError::Absent,
            ClientError::Refused { code, .. } if code == "NoSuchBucket" => ReadError::Refused(error.to_string()),
            ClientError::Refused { status, .. } if *status < 500 => ReadError::Refused(error.to_string()),
            _ => ReadError::Broken(SourceError(format!("read s3://{bucket}/{key}: {error}"))),
        })?;
        if response.body.len() as u64 > OBJECT_BYTES_MAX {
            return Err(ReadError::TooLarge);
        }
        let named = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            let name = name.as_str().strip_prefix(METADATA)?;
            Some((name.to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        };
        let metadata: BTreeMap<_, _> = response.headers.iter().filter_map(named).collect();
        if let Some(saved) = self.saved.as_ref().filter(|_| DigestKey::parse(key).is_some()) {
            held(saved).add(key, metadata.clone());
        }
        Ok(Object { bytes: response.body, metadata: Some(metadata) })
    }
}

fn held<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Source for Bucket {
    fn bucket(&self) -> &str {
        &self.name
    }

    fn folders<'a>(&'a self, folder: &'a str) -> BoxFuture<'a, Result<Vec<String>, SourceError>> {
        async move {
            let (mut folders, mut token) = (Vec::new(), None);
            for _ in 0..PAGES_MAX {
                let list = List {
                    bucket: &self.name,
                    prefix: folder,
                    delimiter: Some("/"),
                    token: token.as_deref(),
                    ..List::default()
                };
                let page = self.list_page(list).await?;
                folders.extend(page.folders);
                match page.next {
                    Some(next) => token = Some(next),
                    None => return Ok(folders),
                }
            }
            Err(SourceError(format!("too many folders in {folder}; name a longer prefix")))
        }
        .boxed()
    }

    fn list<'a>(&'a self, prefix: &'a str, after: &'a str) -> BoxFuture<'a, Result<Vec<Listed>, SourceError>> {
        async move {
            let list = List { bucket: &self.name, prefix, start_after: after, ..List::default() };
            let page = self.list_page(list).await?;
            Ok(page.objects.into_iter().map(|(key, modified)| Listed { key, modified }).collect())
        }
        .boxed()
    }

    fn read<'a>(&'a self, bucket: &'a str, key: &'a str) -> BoxFuture<'a, Result<Object, ReadError>> {
        self.object(bucket, key).boxed()
    }
}
