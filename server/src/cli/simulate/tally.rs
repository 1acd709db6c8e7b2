//! What came of the calls.

use std::collections::BTreeMap;
use std::time::Duration;

use super::company::Company;
use crate::client::Response;
use crate::output;

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    /// It did what it was meant to.
    Done,
    /// Refused as calls are: not there, there already, not empty.
    Failed,
    /// The caller is known and may not.
    Denied,
    /// The caller proved nothing.
    TurnedAway,
    /// The server asked to try again.
    Busy,
    /// The server's own fault.
    Broken,
}

const ENDS: [(End, &str); 6] = [
    (End::Done, "done"),
    (End::Failed, "failed"),
    (End::Denied, "denied"),
    (End::TurnedAway, "turned away"),
    (End::Busy, "busy"),
    (End::Broken, "broken"),
];

#[derive(Default)]
pub(super) struct Tally {
    ends: BTreeMap<&'static str, BTreeMap<End, u64>>,
    /// Microseconds of each answer.
    took_us: Vec<u32>,
}

impl Tally {
    pub(super) fn count(&mut self, what: &'static str, response: &Response, took: Duration) {
        *self.ends.entry(what).or_default().entry(end(response)).or_default() += 1;
        self.took_us.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
    }

    pub(super) fn summary(mut self, company: &Company, took: Duration) -> String {
        let mut table = output::table(&["call", "done", "failed", "denied", "turned away", "busy", "broken"]);
        let mut sums: BTreeMap<End, u64> = BTreeMap::new();
        for (what, ends) in &self.ends {
            let mut cells = vec![(*what).to_owned()];
            for (end, _) in ENDS {
                let n = ends.get(&end).copied().unwrap_or(0);
                *sums.entry(end).or_default() += n;
                cells.push(if n == 0 { String::new() } else { n.to_string() });
            }
            table.add_row(cells);
        }
        self.took_us.sort_unstable();
        let at = |share: f64| {
            let place = ((self.took_us.len() as f64 * share) as usize).min(self.took_us.len().saturating_sub(1));
            self.took_us.get(place).map_or(0.0, |us| f64::from(*us) / 1000.0)
        };
        let calls = self.took_us.len();
        let sum: Vec<String> =
            ENDS.iter().map(|(end, name)| format!("{} {name}", sums.get(end).copied().unwrap_or(0))).collect();
        let accounts: Vec<String> = company.accounts.iter().map(|(name, id)| format!("{name} ({id})")).collect();
        format!(
            "{}\n{calls} calls in {:.1} s ({:.0} per second): {}\nanswered in {:.1} ms (median), {:.1} ms (99 of 100)\naccounts: {}\n",
            output::text(&table),
            took.as_secs_f64(),
            calls as f64 / took.as_secs_f64().max(0.001),
            sum.join(", "),
            at(0.5),
            at(0.99),
            accounts.join(", "),
        )
    }
}

fn end(response: &Response) -> End {
    let code = code(&response.body);
    match (response.status, code.as_str()) {
        (200..300, _) => End::Done,
        (503, _) => End::Busy,
        (500.., _) => End::Broken,
        (_, "AccessDenied" | "AccessDeniedException") => End::Denied,
        (_, "SignatureDoesNotMatch" | "InvalidSignatureException") => End::TurnedAway,
        (_, "InvalidAccessKeyId" | "InvalidClientTokenId" | "UnrecognizedClientException") => End::TurnedAway,
        _ => End::Failed,
    }
}

/// AWS's code in an error of any protocol; empty where there is none.
fn code(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(64 * 1024)]);
    let between = |start: &str, end: &str| Some(text.split_once(start)?.1.split_once(end)?.0.to_owned());
    between("<Code>", "</Code>").or_else(|| between("\"__type\":\"", "\"")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_told_apart() {
        let check = |status: u16, body: &'static str, expect: End| {
            let response = Response { status, headers: Default::default(), body: body.into() };
            assert_eq!(end(&response), expect, "{status} {body}");
        };
        check(200, "", End::Done);
        check(403, "<Error><Code>AccessDenied</Code></Error>", End::Denied);
        check(400, "{\"__type\":\"AccessDeniedException\"}", End::Denied);
        check(403, "<Error><Code>InvalidAccessKeyId</Code></Error>", End::TurnedAway);
        check(404, "<Error><Code>NoSuchBucket</Code></Error>", End::Failed);
        check(503, "", End::Busy);
        check(500, "", End::Broken);
    }
}
