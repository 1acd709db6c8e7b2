//! Reads the compact tables that `cargo xtask codegen` writes (their form is described there). Nothing is copied that
//! can be borrowed: a parsed model is a few machine words per member.

use std::sync::OnceLock;

use super::shape::{Binding, Kind, Limits, Location, Member, Shape, ShapeId, TimeFormat, unescape};
use super::{ErrorModel, OperationModel, Protocol, ServiceModel};

/// A table that does not follow the form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of a model table cannot be read: {what}; run cargo xtask codegen")]
pub struct BadTable {
    /// From 1.
    pub line: usize,
    pub what: &'static str,
}

/// Scalars without constraints have no line: they take the first places.
const PLAIN: [&str; 9] = ["s", "B", "b", "i", "l", "f", "d", "t", "D"];

type Parsed<T> = Result<T, &'static str>;

pub(super) fn parse(table: &'static str) -> Result<ServiceModel, BadTable> {
    let mut lines = table.lines().enumerate().map(|(i, line)| (i + 1, line));
    let bad = |line| move |what| BadTable { line, what };
    match lines.next() {
        Some((_, "opentrail-model 1")) => {}
        _ => return Err(bad(1)("not a model table of version 1")),
    }
    let (number, line) = lines.next().ok_or(BadTable { line: 2, what: "no service" })?;
    let mut model = service(line).map_err(bad(number))?;
    let mut shapes = Vec::new();
    for letter in PLAIN {
        shapes.push(shape(letter).map_err(bad(0))?);
    }
    let mut errors = Vec::new();
    let mut operations = Vec::new();
    let mut last = number;
    for (number, line) in lines {
        last = number;
        match line.as_bytes().first() {
            Some(b'E') => errors.push(error(line).map_err(bad(number))?),
            Some(b'O') => operations.push(operation(line).map_err(bad(number))?),
            Some(_) => shapes.push(shape(line).map_err(bad(number))?),
            None => return Err(bad(number)("an empty line")),
        }
    }
    // Every reference is checked here, so that looking one up cannot fail.
    let reached = |id: ShapeId| id.index() < shapes.len();
    let whole = shapes.iter().all(|s: &Shape| members_of(s).iter().all(|m| reached(m.shape)))
        && operations.iter().all(|o: &OperationModel| {
            [o.input, o.output].into_iter().flatten().all(reached)
                && o.errors.iter().all(|&e| usize::from(e) < errors.len())
        });
    if !whole {
        return Err(bad(last)("a reference to a line that is not there"));
    }
    if !operations.is_sorted_by(|a, b| a.name < b.name) {
        return Err(bad(last)("operations out of order"));
    }
    model.shapes = shapes.into();
    model.errors = errors.into();
    model.operations = operations.into();
    Ok(model)
}

fn members_of(shape: &Shape) -> &[Member] {
    match &shape.kind {
        Kind::Structure(members) => members,
        Kind::List(member) => std::slice::from_ref(member),
        Kind::Map(members) => members.as_slice(),
        _ => &[],
    }
}

fn service(line: &'static str) -> Parsed<ServiceModel> {
    let words: Vec<&'static str> = line.split(' ').collect();
    let ["service", signing_name, event_source, api_version, protocol, target, namespace] = words[..] else {
        return Err("not a service line");
    };
    let mut target_prefixes = Vec::new();
    if target != "-" {
        let target = unescape(target);
        // The last part alone is accepted too (`spec/recorded.md` 1).
        if let Some((_, short)) = target.rsplit_once('.') {
            target_prefixes.push(short.to_owned());
        }
        target_prefixes.insert(0, target.into_owned());
    }
    Ok(ServiceModel {
        signing_name: unescape(signing_name).into_owned(),
        event_source: unescape(event_source).into_owned(),
        api_version: unescape(api_version).into_owned(),
        protocol: Protocol::from_word(protocol).ok_or("an unknown protocol")?,
        target_prefixes,
        xml_namespace: if namespace == "-" { String::new() } else { unescape(namespace).into_owned() },
        foreign: false,
        operations: Box::default(),
        shapes: Box::default(),
        errors: Box::default(),
    })
}

fn error(line: &'static str) -> Parsed<ErrorModel> {
    let words: Vec<&'static str> = line.split(' ').collect();
    let ["E", name, code, status] = words[..] else {
        return Err("not an error line");
    };
    Ok(ErrorModel {
        name,
        code: if code == "-" { name } else { code },
        http_status: match status {
            "-" => None,
            status => Some(status.parse().map_err(|_| "a status that is no number")?),
        },
    })
}

fn operation(line: &'static str) -> Parsed<OperationModel> {
    let words: Vec<&'static str> = line.split(' ').collect();
    let (words, host_prefix) = match words[..] {
        [.., host] if words.len() == 9 => (&words[..8], host),
        _ => (&words[..], ""),
    };
    let ["O", names, direction, method, uri, input, output, errors] = *words else {
        return Err("not an operation line");
    };
    let (direction, streams) = direction.split_at_checked(1).ok_or("no direction")?;
    if !matches!(streams, "" | "i" | "o" | "io") {
        return Err("an unknown stream");
    }
    let (name, event_name) = names.split_once('=').unwrap_or((names, names));
    let (method, status) = method.split_once('/').unwrap_or((method, "200"));
    let shape = |word: &'static str| if word == "-" { Ok(None) } else { reference(word).map(Some) };
    Ok(OperationModel {
        name: name.to_owned(),
        event_name: event_name.to_owned(),
        read_only: match direction {
            "R" => true,
            "W" => false,
            _ => return Err("neither R nor W"),
        },
        http_method: method,
        http_status: status.parse().map_err(|_| "a status that is no number")?,
        http_uri: uri,
        host_prefix,
        streams_request: streams.contains('i'),
        streams_response: streams.contains('o'),
        input: shape(input)?,
        output: shape(output)?,
        mints: OnceLock::new(),
        errors: match errors {
            "-" => Box::default(),
            errors => {
                errors.split(',').map(str::parse).collect::<Result<_, _>>().map_err(|_| "an error that is no number")?
            }
        },
    })
}

fn shape(line: &'static str) -> Parsed<Shape> {
    let (head, mut rest) = line.split_once(' ').unwrap_or((line, ""));
    let (letter, flags) = head.split_at_checked(1).ok_or("no kind")?;
    let mut limits = Limits::default();
    let mut limited = false;
    let mut members = Vec::new();
    let mut payload = None;
    let mut time_format = None;
    while !rest.is_empty() {
        if let Some(pattern) = rest.strip_prefix('/') {
            limits.set_pattern(pattern);
            limited = true;
            break;
        }
        let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
        rest = after;
        if matches!(letter, "S" | "L" | "M") && word.contains(':') {
            match word.strip_prefix("P:") {
                Some(name) if letter == "S" => payload = Some(name),
                _ => members.push(member(word)?),
            }
            continue;
        }
        let (kind, value) = word.split_at_checked(1).ok_or("two spaces in a row")?;
        match kind {
            "n" => limits.min = Some(value.parse().map_err(|_| "a minimum that is no number")?),
            "x" => limits.max = Some(value.parse().map_err(|_| "a maximum that is no number")?),
            "e" => limits.set_values(value),
            "t" => time_format = Some(format(value)?),
            _ => return Err("an unknown constraint"),
        }
        limited |= kind != "t";
    }
    for member in &mut members {
        member.payload = payload == Some(member.name);
    }
    Ok(Shape {
        kind: kind(letter, members, time_format)?,
        sensitive: flags.contains('!'),
        flattened: flags.contains('f'),
        wrapper: flags.contains('w'),
        limits: limited.then(|| Box::new(limits)),
    })
}

fn format(name: &str) -> Parsed<TimeFormat> {
    match name {
        "iso8601" => Ok(TimeFormat::Iso8601),
        "rfc822" => Ok(TimeFormat::Rfc822),
        "unixTimestamp" => Ok(TimeFormat::Epoch),
        _ => Err("an unknown time format"),
    }
}

fn kind(letter: &str, members: Vec<Member>, time_format: Option<TimeFormat>) -> Parsed<Kind> {
    if !matches!(letter, "S" | "L" | "M") && !members.is_empty() {
        return Err("a scalar with members");
    }
    Ok(match letter {
        "S" => Kind::Structure(members.into()),
        "L" => {
            let [member] = <[Member; 1]>::try_from(members).map_err(|_| "a list has one member")?;
            Kind::List(member)
        }
        "M" => Kind::Map(Box::new(members.try_into().map_err(|_| "a map has a key and a value")?)),
        "s" => Kind::Text,
        "B" => Kind::Blob,
        "b" => Kind::Bool,
        "i" => Kind::Integer,
        "l" => Kind::Long,
        "f" | "d" => Kind::Float,
        "t" => Kind::Timestamp(time_format),
        "D" => Kind::Any,
        _ => return Err("an unknown kind of shape"),
    })
}

fn member(word: &'static str) -> Parsed<Member> {
    let (required, word) = word.strip_prefix('*').map_or((false, word), |word| (true, word));
    let (name, rest) = word.split_once(':').ok_or("a member without a shape")?;
    let mut parts = rest.split(';');
    let shape = reference(parts.next().ok_or("a member without a shape")?)?;
    let mut binding = Binding::default();
    let mut bound = false;
    for part in parts {
        bound = true;
        let (kind, value) = part.split_at_checked(1).ok_or("an empty attribute")?;
        match (kind, value) {
            ("n", name) => binding.location_name = Some(name),
            ("q", name) => binding.query_name = Some(name),
            ("@", "h") => binding.location = Some(Location::Header),
            ("@", "H") => binding.location = Some(Location::HeadersByPrefix),
            ("@", "q") => binding.location = Some(Location::Query),
            ("@", "u") => binding.location = Some(Location::Path),
            ("@", "s") => binding.location = Some(Location::Status),
            ("f", "") => binding.flattened = true,
            ("s", "") => binding.streaming = true,
            // Namespaces, attributes and JSON in texts are told, and nobody asks.
            ("x", _) | ("a" | "j", "") => {}
            _ => return Err("an unknown attribute"),
        }
    }
    Ok(Member { name, shape, required, payload: false, binding: bound.then(|| Box::new(binding)) })
}

fn reference(word: &str) -> Parsed<ShapeId> {
    let index = match PLAIN.iter().position(|&letter| letter == word) {
        Some(place) => place,
        None => word.parse::<u32>().map_err(|_| "a reference that is no number")? as usize + PLAIN.len(),
    };
    u32::try_from(index).map(ShapeId).map_err(|_| "a reference that is too large")
}
