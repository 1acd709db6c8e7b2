//! `Resources` as LookupEvents lists them: which of a call's members name a resource (`spec/recorded.md` 8).
//!
//! The table is data. A service that stands in it is spoken for: what its rules do not name is not listed. For every
//! other service the `resources` of the record are listed, as they stand there.

mod table;

use std::borrow::Cow;

use crate::derive::tail;
use crate::head::{absent, text_if_any};
use crate::scan::{Scanner, Text};
use crate::{BadRecord, NamedResource};

/// Of one record so many are listed at most; real ones have fewer than twenty.
const NAMED_MAX: usize = 200;

/// One element of a record's `resources`.
#[derive(Clone, Copy)]
pub(crate) struct Recorded<'a> {
    pub(crate) kind: Option<Text<'a>>,
    /// The ARN, or else the prefix that all touched ones share.
    pub(crate) arn: Option<Text<'a>>,
    /// Whether `arn` is only a prefix.
    pub(crate) is_prefix: bool,
}

impl<'a> Recorded<'a> {
    /// Reads `resources` in place of what is in `into`; null counts as none.
    pub(crate) fn read_all(s: &mut Scanner<'a>, into: &mut Vec<Self>) -> Result<(), BadRecord> {
        into.clear();
        if absent(s)? {
            return Ok(());
        }
        s.array(|s| {
            into.extend(Self::read(s)?);
            Ok(())
        })
    }

    /// Reads one element; what is not an object names nothing.
    fn read(s: &mut Scanner<'a>) -> Result<Option<Self>, BadRecord> {
        if s.peek() != Some(b'{') {
            return s.skip().map(|()| None);
        }
        let (mut kind, mut arn, mut prefix) = (None, None, None);
        s.object(|s, key| {
            match &*key.cow() {
                "type" => kind = text_if_any(s)?,
                "ARN" => arn = text_if_any(s)?,
                "ARNPrefix" => prefix = text_if_any(s)?,
                _ => s.skip()?,
            }
            Ok(())
        })?;
        Ok(Some(Self { kind, arn: arn.or(prefix), is_prefix: arn.is_none() && prefix.is_some() }))
    }

    /// Whether a record so old that it does not say its category is one of a data event.
    pub(crate) fn makes_data_event(&self) -> bool {
        self.kind.is_some_and(|kind| matches!(&*kind.cow(), "AWS::S3::Object"))
    }
}

/// A call, as far as its resources depend on it.
pub(crate) struct Call<'a, 'b> {
    pub(crate) source: &'b str,
    pub(crate) name: &'b str,
    pub(crate) read_only: bool,
    pub(crate) failed: bool,
    pub(crate) recorded: Vec<Recorded<'a>>,
    /// `requestParameters` and `responseElements`, each a checked JSON value.
    pub(crate) request: Option<&'a str>,
    pub(crate) response: Option<&'a str>,
}

/// When a rule holds.
#[derive(Clone, Copy)]
enum When {
    Always,
    Succeeded,
    /// Succeeded, and not a read.
    Changed,
}

/// Where a name stands.
#[derive(Clone, Copy)]
enum Source {
    /// In `requestParameters`, by path. A step that ends in `[]` is a list.
    Request(&'static str),
    /// In `responseElements`, by path.
    Response(&'static str),
    /// The ARNs of the record's own `resources` that are of the rule's type.
    Recorded,
}

/// What of it is the name.
#[derive(Clone, Copy)]
enum Form {
    /// All of it.
    Whole,
    /// What follows the last such character; all of it where there is none.
    Tail(char),
    /// What follows these words; nothing where they are not in it.
    Behind(&'static str),
    /// All of it, where these words are in it.
    Holding(&'static str),
}

/// One way to a name.
struct Take {
    /// `AWS::…`; empty where AWS leaves the type out.
    kind: &'static str,
    source: Source,
    form: Form,
}

/// Which calls, and what they name. The first rule that fits a call decides.
struct Rule {
    /// API names as recorded; empty stands for every call of the service.
    calls: &'static [&'static str],
    when: When,
    takes: &'static [Take],
}

/// All that is known of one service.
struct Service {
    event_source: &'static str,
    rules: &'static [Rule],
}

/// The resources that LookupEvents lists for a call, in AWS's order, each once.
pub(crate) fn named<'a>(call: Call<'a, '_>) -> Result<Vec<NamedResource<'a>>, BadRecord> {
    let mut list = List(Vec::new());
    let Some(service) = table::SERVICES.iter().find(|service| service.event_source == call.source) else {
        for one in &call.recorded {
            list.add(one.kind.map(Text::cow), one.arn.map(Text::cow), Form::Whole);
        }
        return Ok(list.0);
    };
    let fits = |rule: &&Rule| rule.calls.is_empty() || rule.calls.contains(&call.name);
    let Some(rule) = service.rules.iter().find(fits) else { return Ok(list.0) };
    let holds = match rule.when {
        When::Always => true,
        When::Succeeded => !call.failed,
        When::Changed => !call.failed && !call.read_only,
    };
    if !holds {
        return Ok(list.0);
    }
    let (request, response) = (members(call.request)?, members(call.response)?);
    for take in rule.takes {
        let kind = (!take.kind.is_empty()).then_some(Cow::Borrowed(take.kind));
        let mut add = |name: Text<'a>| list.add(kind.clone(), Some(name.cow()), take.form);
        match take.source {
            Source::Request(path) => walk(&request, path, &mut add)?,
            Source::Response(path) => walk(&response, path, &mut add)?,
            Source::Recorded => {
                let of_kind = |one: &&Recorded<'a>| one.kind.is_some_and(|kind| kind.cow() == take.kind);
                call.recorded.iter().filter(of_kind).filter_map(|one| one.arn).for_each(add);
            }
        }
    }
    Ok(list.0)
}

struct List<'a>(Vec<NamedResource<'a>>);

impl<'a> List<'a> {
    fn add(&mut self, kind: Option<Cow<'a, str>>, name: Option<Cow<'a, str>>, form: Form) {
        let Some(whole) = name.filter(|name| !name.is_empty()) else { return };
        let name = match form {
            Form::Whole => whole,
            Form::Tail(mark) => tail(whole.clone(), mark).unwrap_or(whole),
            Form::Behind(words) => match whole.split_once(words) {
                Some((_, name)) if !name.is_empty() => Cow::Owned(name.to_owned()),
                _ => return,
            },
            Form::Holding(words) if whole.contains(words) => whole,
            Form::Holding(_) => return,
        };
        let one = NamedResource { kind, name };
        if self.0.len() < NAMED_MAX && !self.0.contains(&one) {
            self.0.push(one);
        }
    }
}

/// The members of an object and their text; none for another value.
fn members(value: Option<&str>) -> Result<Vec<(Cow<'_, str>, &str)>, BadRecord> {
    let mut members = Vec::new();
    let Some(value) = value.filter(|value| value.starts_with('{')) else { return Ok(members) };
    Scanner::new(value).object(|s, key| {
        members.push((key.cow(), s.value()?));
        Ok(())
    })?;
    Ok(members)
}

/// Gives `add` every text at `path`.
fn walk<'a>(members: &[(Cow<'a, str>, &'a str)], path: &str, add: &mut dyn FnMut(Text<'a>)) -> Result<(), BadRecord> {
    let (step, rest) = split(path);
    let (name, is_list) = plain(step);
    let Some((_, value)) = members.iter().rev().find(|(key, _)| key == name) else { return Ok(()) };
    descend(&mut Scanner::new(value), is_list, rest, add)
}

fn descend<'a>(s: &mut Scanner<'a>, is_list: bool, rest: &str, add: &mut dyn FnMut(Text<'a>)) -> Result<(), BadRecord> {
    match s.peek() {
        Some(b'[') if is_list => s.array(|s| descend(s, false, rest, add)),
        Some(b'"') if rest.is_empty() && !is_list => {
            add(s.string()?);
            Ok(())
        }
        Some(b'{') if !rest.is_empty() && !is_list => {
            let (step, rest) = split(rest);
            let (name, is_list) = plain(step);
            s.object(|s, key| if key.cow() == name { descend(s, is_list, rest, add) } else { s.skip() })
        }
        _ => s.skip(),
    }
}

fn split(path: &str) -> (&str, &str) {
    path.split_once('.').unwrap_or((path, ""))
}

fn plain(step: &str) -> (&str, bool) {
    step.strip_suffix("[]").map_or((step, false), |name| (name, true))
}

#[cfg(test)]
mod tests;
