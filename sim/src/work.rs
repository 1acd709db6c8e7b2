//! Callers who make buckets and put objects until the connection breaks, and remember what they were answered.

use std::sync::Arc;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::Method;
use opentrail::House;
use opentrail::client::{Chosen, Client, Keys, Request};
use opentrail_world::World;
use tokio::sync::watch;
use tokio::task::JoinHandle;

const CALLERS: u64 = 5;

/// What one caller was answered.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// Request ids of management calls that were answered.
    pub(crate) calls: Vec<String>,
    /// Objects whose put was answered: path and body.
    pub(crate) objects: Vec<(String, Bytes)>,
}

/// Callers at work.
pub(crate) struct Work {
    stop: watch::Sender<bool>,
    callers: Vec<JoinHandle<Heard>>,
}

/// A client that signs as the root of the first account.
pub(crate) async fn client(house: &House) -> Result<Client> {
    let root = house.starters().await?.root.context("the root's first key")?;
    let chosen = Chosen {
        endpoint: format!("http://{}", house.address()),
        region: "us-east-1".into(),
        ca_bundle: None,
        keys: Keys::new(root.key.id.clone(), root.secret.expose()),
    };
    Ok(Client::new(&chosen, World::real())?)
}

pub(crate) async fn start(house: &House, life: u32, seed: u64) -> Result<Work> {
    let (stop, stopped) = watch::channel(false);
    let client = client(house).await?;
    let callers = (0..CALLERS)
        .map(|caller| {
            let name = format!("sim-{seed}-{life}-{caller}");
            tokio::spawn(call(client.another(), name, caller ^ seed, stopped.clone()))
        })
        .collect();
    Ok(Work { stop, callers })
}

impl Work {
    /// What was answered until now. Answers to calls that are still under way do not come any more.
    pub(crate) async fn end(self) -> Vec<Heard> {
        let _ = self.stop.send(true);
        let mut all = Vec::new();
        for caller in self.callers {
            all.push(caller.await.unwrap_or_default());
        }
        all
    }
}

async fn call(mut client: Client, name: String, seed: u64, mut stop: watch::Receiver<bool>) -> Heard {
    let (dice, _) = World::simulated(seed, jiff::Timestamp::UNIX_EPOCH);
    let dice = Arc::new(dice);
    let mut heard = Heard::default();
    for n in 0u32.. {
        let bucket = format!("/{name}-{n}");
        let key = format!("{bucket}/object");
        // Small bodies lie in the catalog, large ones in blobs.
        let size = if dice.below(2) == 0 { 100 } else { 20_000 };
        let mut body = vec![0; size];
        dice.fill(&mut body);
        let body = Bytes::from(body);
        let steps = [(Method::PUT, bucket.clone(), Bytes::new()), (Method::PUT, key.clone(), body.clone())];
        for (at, (method, path, body)) in steps.into_iter().enumerate() {
            let request =
                Request { service: "s3", method, path, query: String::new(), headers: Vec::new(), body: body.clone() };
            let answer = tokio::select! {
                answer = client.send_once(&request) => answer,
                _ = stop.wait_for(|stopped| *stopped) => return heard,
            };
            let Ok(answer) = answer else { return heard };
            if answer.status != 200 {
                return heard;
            }
            match at {
                0 => {
                    let id = answer.headers.get("x-amz-request-id").and_then(|id| id.to_str().ok());
                    heard.calls.push(id.unwrap_or_default().to_owned());
                }
                _ => heard.objects.push((key.clone(), body)),
            }
        }
    }
    heard
}
