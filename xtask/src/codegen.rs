//! Derives the compact model tables of `core/protocol/models` from service models in the public `service-2.json`
//! format.
//!
//! `cargo xtask codegen [--check] [--botocore DIR] [--out DIR] [SERVICE…]`
//!
//! DIR is an unpacked botocore package (the folder that has `data/`); without it the release that the scenarios pin is
//! taken. With `--check` nothing is written and any difference is an error. `atlas` stands for the file of all public
//! services, whose tables have only what recording other people's calls needs: no errors and no constraints.
//!
//! # The table
//! UTF-8 text, one line each, documentation stripped:
//!
//! ```text
//! opentrail-model 1
//! service SIGNING_NAME EVENT_SOURCE API_VERSION PROTOCOL TARGET_PREFIX|- XML_NAMESPACE|-
//! E NAME CODE|- STATUS|-                          an error, numbered from 0
//! S[!][w] [P:MEMBER] [*]NAME:SHAPE[;ATTRIBUTE]… … a structure: payload member, then members (* required)
//! L[!][f] [nMIN] [xMAX] MEMBER                    a list (f flattened); its member as in a structure
//! M[!][f] [nMIN] [xMAX] KEY VALUE                 a map
//! s|B|b|i|l|f|d|t|D[!] [nMIN] [xMAX] [eA,B] [tFORMAT] [/PATTERN to the end of the line]    a scalar
//! O NAME[=EVENT_NAME] R|W[i][o] METHOD[/STATUS] URI INPUT|- OUTPUT|- ERRORS|- [HOST_PREFIX]   an operation
//! ```
//!
//! Shapes are numbered from 0 in the order of their lines; a letter in place of a number is a scalar without
//! constraints. `!` is sensitive, `w` a structure that only wraps what is answered (only in the atlas). A member's attributes: `nLOCATION_NAME`, `qQUERY_NAME`, `@h` header, `@H` headers by
//! prefix, `@q` query, `@u` path, `@s` status, `f` flattened, `xNAMESPACE`, `a` XML attribute, `s` streaming, `j` JSON
//! in a string. `i` and `o` say that an operation's input or output is a stream (only in the atlas). Bytes that would be taken for a separator are written as %XX.

mod atlas;
mod facts;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::python::Python;

use facts::{event_name, event_source, protocol, read_only};

/// Services whose tables are committed; names of botocore's data folders.
const SERVICES: &[&str] = &["cloudtrail", "iam", "s3", "sts"];
/// The word for all public services in one file.
const ATLAS: &str = "atlas";
/// Our own service, whose model we write by hand in the same format.
const OWN: (&str, &str) = ("opentrail", "services/opentrail/model/service-2.json");

/// Fails if the committed tables are not what the models of this botocore package give.
pub(crate) fn check(botocore: &Path) -> Result<()> {
    run(&["--check".to_owned(), "--botocore".to_owned(), botocore.display().to_string()])
}

/// Runs the task.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let root = crate::run::root();
    let mut check = false;
    let mut botocore = None;
    let mut out = root.join("core/protocol/models");
    let mut services: Vec<String> = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--check" => check = true,
            "--botocore" => botocore = Some(PathBuf::from(arguments.next().context("--botocore needs a folder")?)),
            "--out" => out = PathBuf::from(arguments.next().context("--out needs a folder")?),
            name if !name.starts_with('-') => services.push(name.to_owned()),
            other => bail!("codegen knows no option {other}"),
        }
    }
    if services.is_empty() {
        services = SERVICES.iter().copied().chain([OWN.0, ATLAS]).map(str::to_owned).collect();
    }
    let package = match botocore {
        Some(package) => Some(package),
        None if services.iter().all(|s| s == OWN.0) => None,
        None => Some(Python::ready()?.botocore()?),
    };

    let mut drifted = Vec::new();
    for service in &services {
        if service == ATLAS {
            let package = package.as_deref().context("no botocore to chart")?;
            let path = out.join("atlas.bin");
            let file = atlas::pack(&atlas::chart(package)?)?;
            if check && std::fs::read(&path).ok().as_deref() != Some(file.as_slice()) {
                drifted.push(ATLAS);
            } else if !check {
                std::fs::write(&path, &file).with_context(|| format!("write {}", path.display()))?;
            }
            continue;
        }
        let model = match (service == OWN.0, &package) {
            (true, _) => std::fs::read(root.join(OWN.1)).with_context(|| format!("read {}", OWN.1))?,
            (false, Some(package)) => read_model(package, service)?,
            (false, None) => bail!("no botocore to read {service} from"),
        };
        let table =
            derive(&model, service, Extent::Served).with_context(|| format!("derive the table of {service}"))?;
        let path = out.join(format!("{service}.model"));
        if check {
            if std::fs::read_to_string(&path).ok().as_deref() != Some(table.as_str()) {
                drifted.push(service.as_str());
            }
        } else {
            std::fs::write(&path, &table).with_context(|| format!("write {}", path.display()))?;
        }
    }
    if !drifted.is_empty() {
        bail!("the tables of {} differ from their models: run cargo xtask codegen", drifted.join(", "));
    }
    Ok(())
}

/// The newest model of a service.
fn read_model(package: &Path, service: &str) -> Result<Vec<u8>> {
    let folder = package.join("data").join(service);
    let mut versions: Vec<PathBuf> = std::fs::read_dir(&folder)
        .with_context(|| format!("list {}", folder.display()))?
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .filter(|path| path.join("service-2.json.gz").is_file() || path.join("service-2.json").is_file())
        .collect();
    versions.sort();
    let newest = versions.pop().with_context(|| format!("{} has no model", folder.display()))?;
    let plain = newest.join("service-2.json");
    if plain.is_file() {
        return std::fs::read(&plain).with_context(|| format!("read {}", plain.display()));
    }
    let packed = newest.join("service-2.json.gz");
    let file = std::fs::File::open(&packed).with_context(|| format!("open {}", packed.display()))?;
    let mut model = Vec::new();
    flate2::read::GzDecoder::new(file)
        .read_to_end(&mut model)
        .with_context(|| format!("unpack {}", packed.display()))?;
    Ok(model)
}

/// How much of a model a table holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// All that answering its calls needs.
    Served,
    /// What recording its calls needs.
    Recorded,
}

/// One service's table; `id` is its folder in botocore.
fn derive(model: &[u8], id: &str, extent: Extent) -> Result<String> {
    let model: Value = serde_json::from_slice(model).context("parse the model")?;
    let metadata = &model["metadata"];
    let mut shapes = model["shapes"].as_object().context("the model has no shapes")?.clone();
    let mut operations = model["operations"].as_object().context("the model has no operations")?.clone();

    let endpoint = text(metadata, "endpointPrefix").context("the model has no endpointPrefix")?;
    let signing_name = text(metadata, "signingName").unwrap_or(endpoint);
    if extent == Extent::Recorded {
        for operation in operations.values_mut() {
            let operation = operation.as_object_mut().context("an operation is no object")?;
            // Records name errors by their shape: only where the wire has another name must both be known.
            let renamed = |error: &Value| {
                let name = text(error, "shape").unwrap_or_default();
                shapes.get(name).and_then(|shape| text(&shape["error"], "code")).is_some_and(|code| code != name)
            };
            if let Some(errors) = operation.get_mut("errors").and_then(Value::as_array_mut) {
                errors.retain(renamed);
            }
        }
        for shape in shapes.values_mut().filter_map(Value::as_object_mut) {
            for constraint in ["min", "max", "enum", "pattern", "required"] {
                shape.remove(constraint);
            }
        }
    }
    if extent == Extent::Served {
        for shape in shapes.values_mut().filter_map(Value::as_object_mut) {
            shape.remove("wrapper");
        }
    }
    let (operations, shapes) = (&operations, &shapes);
    let mut table = String::from("opentrail-model 1\n");
    writeln!(
        table,
        "service {} {} {} {} {} {}",
        escape(signing_name),
        escape(&event_source(id, endpoint, signing_name)),
        escape(text(metadata, "apiVersion").context("the model has no apiVersion")?),
        protocol(metadata)?,
        escape(text(metadata, "targetPrefix").unwrap_or("-")),
        escape(text(metadata, "xmlNamespace").or_else(|| text(&metadata["xmlNamespace"], "uri")).unwrap_or("-")),
    )?;

    let errors = write_errors(&mut table, operations, shapes)?;
    let numbers = write_shapes(&mut table, operations, shapes)?;
    let mut by_name: Vec<_> = operations.iter().collect();
    by_name.sort_by_key(|(name, _)| name.as_str());
    for (name, operation) in by_name {
        let event = event_name(id, name, operation);
        let event = if event == *name { String::new() } else { format!("={event}") };
        let marked = extent == Extent::Recorded && operation["readonly"] == true;
        let mut direction = String::from(if read_only(signing_name, name, marked) { "R" } else { "W" });
        let mut host = String::new();
        if extent == Extent::Recorded {
            for (letter, way) in [('i', "input"), ('o', "output")] {
                if streams(shapes, &operation[way]) {
                    direction.push(letter);
                }
            }
            if let Some(prefix) = text(&operation["endpoint"], "hostPrefix") {
                write!(host, " {}", escape(prefix))?;
            }
        }
        let method = text(&operation["http"], "method").unwrap_or("POST");
        let status = operation["http"]["responseCode"].as_u64().map(|s| format!("/{s}")).unwrap_or_default();
        let uri = escape(text(&operation["http"], "requestUri").unwrap_or("/"));
        let shape = |way: &str| text(&operation[way], "shape").map_or("-".to_owned(), |s| numbers[s].clone());
        let (input, output) = (shape("input"), shape("output"));
        let failures: Vec<String> =
            error_names(operation).filter_map(|e| errors.get(e)).map(usize::to_string).collect();
        let failures = if failures.is_empty() { "-".to_owned() } else { failures.join(",") };
        writeln!(table, "O {name}{event} {direction} {method}{status} {uri} {input} {output} {failures}{host}")?;
    }
    Ok(table)
}

/// Whether the body is a stream of bytes or of events.
fn streams(shapes: &Shapes, end: &Value) -> bool {
    let Some(shape) = text(end, "shape").and_then(|name| shapes.get(name)) else { return false };
    shape["members"].as_object().into_iter().flat_map(|members| members.values()).any(|member| {
        let target = text(member, "shape").and_then(|name| shapes.get(name));
        member["streaming"] == true || target.is_some_and(|t| t["streaming"] == true || t["eventstream"] == true)
    })
}

type Shapes = serde_json::Map<String, Value>;

fn error_names(operation: &Value) -> impl Iterator<Item = &str> {
    operation["errors"].as_array().into_iter().flatten().filter_map(|e| text(e, "shape"))
}

fn write_errors<'a>(table: &mut String, operations: &'a Shapes, shapes: &Shapes) -> Result<BTreeMap<&'a str, usize>> {
    let names: BTreeSet<&str> = operations.values().flat_map(error_names).collect();
    let mut numbers = BTreeMap::new();
    for (number, name) in names.into_iter().enumerate() {
        let error = &shapes.get(name).with_context(|| format!("there is no error {name}"))?["error"];
        let code = text(error, "code").unwrap_or("-");
        let status = error["httpStatusCode"].as_u64().map_or("-".to_owned(), |s| s.to_string());
        writeln!(table, "E {name} {} {status}", escape(code))?;
        numbers.insert(name, number);
    }
    Ok(numbers)
}

/// Writes the shapes that operations reach and returns how each is referred to.
fn write_shapes(table: &mut String, operations: &Shapes, shapes: &Shapes) -> Result<BTreeMap<String, String>> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&str> =
        operations.values().flat_map(|o| [text(&o["input"], "shape"), text(&o["output"], "shape")]).flatten().collect();
    while let Some(name) = open.pop() {
        if reached.insert(name) {
            let shape = shapes.get(name).with_context(|| format!("there is no shape {name}"))?;
            let members = shape["members"].as_object().into_iter().flat_map(|m| m.values());
            let parts = [&shape["member"], &shape["key"], &shape["value"]];
            open.extend(members.chain(parts).filter_map(|m| text(m, "shape")));
        }
    }
    // Scalars first: equal ones share a line, those without constraints need none.
    let mut references = BTreeMap::new();
    let mut lines: Vec<String> = Vec::new();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    let (scalars, others): (Vec<&str>, Vec<&str>) = reached.into_iter().partition(|name| is_scalar(&shapes[*name]));
    for name in scalars {
        let line = scalar(&shapes[name])?;
        if line.len() == 1 {
            references.insert(name.to_owned(), line);
            continue;
        }
        let number = *known.entry(line.clone()).or_insert_with(|| {
            lines.push(line);
            lines.len() - 1
        });
        references.insert(name.to_owned(), number.to_string());
    }
    // Collections that say the same share a line too: merged until nothing more becomes equal. Meanwhile each is
    // referred to by the name of the first of its like.
    let like = |name: &str| format!("@{name}");
    references.extend(others.iter().map(|name| ((*name).to_owned(), like(name))));
    let mut before = usize::MAX;
    while distinct(&references) < before {
        before = distinct(&references);
        let mut first: BTreeMap<String, &str> = BTreeMap::new();
        let mut merged = Vec::new();
        for name in &others {
            let line = collection(&shapes[*name], &references)?;
            merged.push(((*name).to_owned(), like(first.entry(line).or_insert(name))));
        }
        references.extend(merged);
    }
    let kept: Vec<&str> = others.iter().copied().filter(|name| references[*name] == like(name)).collect();
    let numbers: BTreeMap<String, usize> =
        kept.iter().enumerate().map(|(i, name)| (like(name), lines.len() + i)).collect();
    for reference in references.values_mut() {
        if let Some(number) = numbers.get(reference.as_str()) {
            *reference = number.to_string();
        }
    }
    for name in kept {
        lines.push(collection(&shapes[name], &references)?);
    }
    for line in lines {
        table.push_str(&line);
        table.push('\n');
    }
    Ok(references)
}

/// How many different lines are referred to.
fn distinct(references: &BTreeMap<String, String>) -> usize {
    references.values().collect::<BTreeSet<_>>().len()
}

fn is_scalar(shape: &Value) -> bool {
    !matches!(text(shape, "type"), Some("structure" | "list" | "map")) || shape["document"] == true
}

fn scalar(shape: &Value) -> Result<String> {
    let mut line = String::from(match text(shape, "type").context("a shape has no type")? {
        _ if shape["document"] == true => "D",
        "string" | "character" => "s",
        "blob" => "B",
        "boolean" => "b",
        "integer" | "short" | "byte" => "i",
        "long" | "bigInteger" => "l",
        "float" => "f",
        "double" | "bigDecimal" => "d",
        "timestamp" => "t",
        other => bail!("there is no type {other}"),
    });
    if shape["sensitive"] == true {
        line.push('!');
    }
    push_bounds(&mut line, shape);
    if let Some(values) = shape["enum"].as_array() {
        let values: Vec<String> = values.iter().filter_map(Value::as_str).map(escape).collect();
        write!(line, " e{}", values.join(","))?;
    }
    if let Some(format) = text(shape, "timestampFormat") {
        write!(line, " t{}", escape(format))?;
    }
    if let Some(pattern) = text(shape, "pattern") {
        write!(line, " /{}", pattern.replace('%', "%25").replace('\n', "%0A").replace('\r', "%0D"))?;
    }
    Ok(line)
}

fn push_bounds(line: &mut String, shape: &Value) {
    for (letter, name) in [('n', "min"), ('x', "max")] {
        if let Some(bound) = shape.get(name).filter(|b| b.is_number()) {
            line.push_str(&format!(" {letter}{bound}"));
        }
    }
}

fn collection(shape: &Value, references: &BTreeMap<String, String>) -> Result<String> {
    let kind = text(shape, "type").context("a shape has no type")?;
    let mut line = String::from(match kind {
        "structure" => "S",
        "list" => "L",
        _ => "M",
    });
    if shape["sensitive"] == true {
        line.push('!');
    }
    if shape["flattened"] == true {
        line.push('f');
    }
    if shape["wrapper"] == true {
        line.push('w');
    }
    push_bounds(&mut line, shape);
    if kind != "structure" {
        for part in ["member", "key", "value"] {
            if let Some(part) = shape.get(part) {
                write!(line, " {}", member("", part, false, references)?)?;
            }
        }
        return Ok(line);
    }
    if let Some(payload) = text(shape, "payload") {
        write!(line, " P:{payload}")?;
    }
    let required: BTreeSet<&str> =
        shape["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, part) in shape["members"].as_object().into_iter().flatten() {
        write!(line, " {}", member(name, part, required.contains(name.as_str()), references)?)?;
    }
    Ok(line)
}

fn member(name: &str, part: &Value, required: bool, references: &BTreeMap<String, String>) -> Result<String> {
    let shape = text(part, "shape").with_context(|| format!("the member {name} has no shape"))?;
    let mut token = format!("{}{name}:{}", if required { "*" } else { "" }, references[shape]);
    if let Some(location_name) = text(part, "locationName").filter(|&n| n != name) {
        write!(token, ";n{}", escape(location_name))?;
    }
    if let Some(query_name) = text(part, "queryName") {
        write!(token, ";q{}", escape(query_name))?;
    }
    match text(part, "location") {
        None => {}
        Some("header") => token.push_str(";@h"),
        Some("headers") => token.push_str(";@H"),
        Some("querystring") => token.push_str(";@q"),
        Some("uri") => token.push_str(";@u"),
        Some("statusCode") => token.push_str(";@s"),
        Some(other) => bail!("there is no location {other}"),
    }
    if let Some(namespace) = text(&part["xmlNamespace"], "uri") {
        write!(token, ";x{}", escape(namespace))?;
    }
    for (letter, name) in [('f', "flattened"), ('a', "xmlAttribute"), ('s', "streaming"), ('j', "jsonvalue")] {
        if part[name] == true {
            write!(token, ";{letter}")?;
        }
    }
    Ok(token)
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

/// Writes bytes that would be taken for a separator as %XX.
fn escape(token: &str) -> String {
    let mut out = String::with_capacity(token.len());
    for c in token.chars() {
        if c <= ' ' || matches!(c, '%' | ',' | ';' | '\x7f') {
            out.push_str(&format!("%{:02X}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_our_own_service_is_fresh() {
        let root = crate::run::root();
        let model = std::fs::read(root.join(OWN.1)).expect("our model is there");
        let table = derive(&model, OWN.0, Extent::Served).expect("our model is well formed");
        let committed =
            std::fs::read_to_string(root.join("core/protocol/models/opentrail.model")).expect("its table too");
        assert_eq!(table, committed, "run cargo xtask codegen opentrail");
    }

    #[test]
    fn a_broken_model_is_an_error() {
        let check = |model: &str| assert!(derive(model.as_bytes(), "x", Extent::Served).is_err(), "{model}");
        check("");
        check("{}");
        check(r#"{"metadata":{"endpointPrefix":"x","apiVersion":"1","protocol":"soap"},"shapes":{},"operations":{}}"#);
        check(
            r#"{"metadata":{"endpointPrefix":"x","apiVersion":"1","protocol":"json"},"shapes":{},
                "operations":{"A":{"input":{"shape":"gone"}}}}"#,
        );
    }
}
