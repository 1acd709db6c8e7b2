//! The auditor: knows what callers were told, and asks the house for all of it.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::Method;
use opentrail::House;
use opentrail::client::Request;
use opentrail_history::Ask;
use opentrail_table::Order;
use serde_json::Value;

use crate::work::{Heard, client};

/// Everything that callers were told, over all lives.
#[derive(Debug, Default)]
pub struct Told {
    calls: Vec<String>,
    objects: Vec<(String, Bytes)>,
}

impl Told {
    /// Takes in what the callers of one life heard.
    pub(crate) fn add(&mut self, heard: Vec<Heard>) {
        for one in heard {
            self.calls.extend(one.calls);
            self.objects.extend(one.objects);
        }
    }

    /// How many calls and puts were answered.
    pub fn answered(&self) -> u64 {
        (self.calls.len() + self.objects.len()) as u64
    }
}

/// Every answered call on record exactly once, every event id once, every answered object as it was put. Returns how many
/// calls are on record as unknown.
pub(crate) async fn check(house: &House, told: &Told) -> Result<u64> {
    let (mut by_request, mut by_event, mut unknown) = (HashMap::<String, Vec<Value>>::new(), HashMap::new(), 0);
    let mut after = None;
    loop {
        let ask = Ask {
            account: None,
            region: None,
            attributes: Vec::new(),
            words: Vec::new(),
            from_s: 0,
            to_s: i64::MAX,
            order: Order::NewestFirst,
            after,
            limit: 1000,
            bytes_max: 8 << 20,
        };
        let page = house.history().lookup(ask).await.context("look up")?;
        for row in page.rows {
            let record: Value = serde_json::from_slice(&row.record).context("a record is JSON")?;
            *by_event.entry(row.id).or_insert(0u32) += 1;
            ensure!(record["eventID"].as_str() == Some(&row.id.to_string()), "a row and its record disagree");
            unknown += u64::from(is_unknown(&record));
            let request_id = record["requestID"].as_str().unwrap_or_default().to_owned();
            by_request.entry(request_id).or_default().push(record);
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if let Some((id, n)) = by_event.iter().find(|(_, n)| **n > 1) {
        anyhow::bail!("event {id} is there {n} times");
    }
    for call in &told.calls {
        let records = by_request.get(call).map(Vec::as_slice).unwrap_or_default();
        ensure!(records.len() == 1, "call {call} was answered and is on record {} times", records.len());
        ensure!(!is_unknown(&records[0]), "call {call} was answered and is on record as unknown");
    }
    let mut client = client(house).await?;
    for (path, body) in &told.objects {
        let request = Request {
            service: "s3",
            method: Method::GET,
            path: path.clone(),
            query: String::new(),
            headers: Vec::new(),
            body: Bytes::new(),
        };
        let answer = client.send_once(&request).await.with_context(|| format!("get {path}"))?;
        ensure!(answer.status == 200 && answer.body == body, "{path} was put and is not there as it was");
    }
    Ok(unknown)
}

fn is_unknown(record: &Value) -> bool {
    record["additionalEventData"]["outcome"] == "unknown"
}
