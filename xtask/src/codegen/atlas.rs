//! Packs the tables of every public service into one file, `core/protocol/models/atlas.bin`, whose form
//! `core/protocol/src/atlas/file.rs` describes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::facts::{event_source, protocol};
use super::{Extent, derive, escape, read_model, text};

/// The file may take so much room in the repository.
const BYTES_MAX: usize = 4 * 1024 * 1024;
/// Packing is done seldom and unpacking often.
const LEVEL: i32 = 19;

/// One service: its line of the index, the lengths aside, and its table.
pub(super) struct Chart {
    line: String,
    table: String,
}

/// Every service of a botocore package, by the name of its folder.
pub(super) fn chart(package: &Path) -> Result<BTreeMap<String, Chart>> {
    let data = package.join("data");
    let mut ids = Vec::new();
    for entry in std::fs::read_dir(&data).with_context(|| format!("list {}", data.display()))? {
        let folder = entry?.path();
        if folder.is_dir()
            && let Some(id) = folder.file_name().and_then(|name| name.to_str())
        {
            ids.push(id.to_owned());
        }
    }
    ids.sort();
    // Parsing is what takes the time: half of the services each.
    let halves: Vec<Result<Vec<(String, Chart)>>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..2)
            .map(|half| {
                let ids = &ids;
                scope.spawn(move || ids.iter().skip(half).step_by(2).filter_map(|id| one(package, id)).collect())
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().expect("charting does not panic")).collect()
    });
    let mut charts = BTreeMap::new();
    for half in halves {
        charts.extend(half?);
    }
    if charts.is_empty() {
        bail!("{} holds no models", data.display());
    }
    Ok(charts)
}

/// A service's chart; `None` for a folder that holds none.
fn one(package: &Path, id: &str) -> Option<Result<(String, Chart)>> {
    let model = match read_model(package, id) {
        Ok(model) => model,
        Err(_) => return None,
    };
    let made = || -> Result<(String, Chart)> {
        let parsed: Value = serde_json::from_slice(&model).context("parse the model")?;
        let metadata = &parsed["metadata"];
        let endpoint = text(metadata, "endpointPrefix").context("the model has no endpointPrefix")?;
        let signing_name = text(metadata, "signingName").unwrap_or(endpoint);
        let line = format!(
            "{} {} {} {} {} {} {}",
            escape(id),
            escape(signing_name),
            escape(endpoint),
            escape(&event_source(id, endpoint, signing_name)),
            escape(text(metadata, "apiVersion").context("the model has no apiVersion")?),
            protocols(metadata)?,
            escape(text(metadata, "targetPrefix").unwrap_or("-")),
        );
        Ok((id.to_owned(), Chart { line, table: derive(&model, id, Extent::Recorded)? }))
    };
    Some(made().with_context(|| format!("derive the table of {id}")))
}

/// All the ways a service can be spoken to, the one its table is made for first.
fn protocols(metadata: &Value) -> Result<String> {
    let first = protocol(metadata)?;
    let mut words = vec![first];
    let declared = metadata["protocols"].as_array().into_iter().flatten().filter_map(Value::as_str);
    for declared in declared.chain(text(metadata, "protocol")) {
        let word = match declared {
            "smithy-rpc-v2-cbor" => "cbor",
            "json" if first.starts_with("json") => first,
            "json" => "json1.0",
            other => other,
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    // Clients of before it spoke JSON still send forms (SQS).
    if metadata.get("awsQueryCompatible").is_some() && !words.contains(&"query") {
        words.push("query");
    }
    Ok(words.join(","))
}

/// The whole file.
pub(super) fn pack(charts: &BTreeMap<String, Chart>) -> Result<Vec<u8>> {
    let mut index = String::new();
    let mut body = Vec::new();
    for Chart { line, table } in charts.values() {
        let packed = zstd::bulk::compress(table.as_bytes(), LEVEL).context("pack a table")?;
        writeln!(index, "{line} {} {}", packed.len(), table.len())?;
        body.extend_from_slice(&packed);
    }
    let packed = zstd::bulk::compress(index.as_bytes(), LEVEL).context("pack the index")?;
    let mut file = b"opentrail-atlas 1\n".to_vec();
    for length in [packed.len(), index.len()] {
        file.extend_from_slice(&u32::try_from(length).context("the index is too long")?.to_le_bytes());
    }
    file.extend_from_slice(&packed);
    file.extend_from_slice(&body);
    if file.len() > BYTES_MAX {
        bail!("the atlas has {} bytes, which is more than {BYTES_MAX}", file.len());
    }
    Ok(file)
}
