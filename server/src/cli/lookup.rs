//! `opentrail lookup`: finds management events, and follows them live.

use std::io::IsTerminal;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::account::without_nulls;
use super::connect::{Connect, OPERATOR, ROOT};
use super::time::moment;
use super::{Shell, note, print};
use crate::client::Client;
use crate::output::{self, CSV_HEADER, RecordView, csv_line};

/// Most records asked for, and held, at a time.
const PAGE_MAX: u64 = 1_000;
/// Most records of a table where no limit is given: people read it. Programs get everything.
const TABLE_LIMIT: u64 = 50;
/// How long one call of a live tail waits in the server.
const TAIL_WAIT_S: u32 = 15;

/// Find management events by attributes, words, time, account and region
#[derive(Args)]
#[command(after_help = "Examples:
  $ opentrail lookup --since 2h
  $ opentrail lookup --event-name CreateBucket --username ana --since 7d
  $ opentrail lookup AccessDenied 203.0.113.7
  $ opentrail lookup --event-source s3 --resource-name my-bucket
  $ opentrail lookup --since 30d --format csv > events.csv
  $ opentrail lookup --all --follow --profile opentrail-operator

All conditions must hold. Attributes are compared as a whole, upper and lower case apart; words are looked for anywhere \
in the record, in upper or lower case.

With --data and neither --profile nor AWS_PROFILE, calls are signed as the first account's root, and with --account or \
--all as the operator.")]
pub(crate) struct Lookup {
    #[command(flatten)]
    connect: Connect,
    /// Words that all occur somewhere in the record
    words: Vec<String>,
    #[arg(long, value_name = "NAME", help_heading = "Attributes")]
    event_name: Option<String>,
    /// Such as s3 or s3.amazonaws.com
    #[arg(long, value_name = "SERVICE", help_heading = "Attributes")]
    event_source: Option<String>,
    #[arg(long, value_name = "ID", help_heading = "Attributes")]
    event_id: Option<String>,
    #[arg(long, value_name = "NAME", help_heading = "Attributes")]
    username: Option<String>,
    #[arg(long, value_name = "KEY", help_heading = "Attributes")]
    access_key_id: Option<String>,
    #[arg(long, value_name = "NAME", help_heading = "Attributes")]
    resource_name: Option<String>,
    #[arg(long, value_name = "TYPE", help_heading = "Attributes")]
    resource_type: Option<String>,
    /// Only events that change nothing (true) or something (false)
    #[arg(long, value_name = "BOOL", help_heading = "Attributes")]
    read_only: Option<bool>,
    /// From: 30m, 2h, 7d, 2026-11-21 or 2026-11-21T10:00:00Z
    #[arg(long, value_name = "TIME", help_heading = "Where and when")]
    since: Option<String>,
    /// To, in the same forms
    #[arg(long, value_name = "TIME", help_heading = "Where and when")]
    until: Option<String>,
    /// Another account's events (operator)
    #[arg(long, value_name = "ID", help_heading = "Where and when")]
    account: Option<String>,
    /// Every account's events (operator)
    #[arg(long, conflicts_with = "account", help_heading = "Where and when")]
    all: bool,
    /// One region's events; all regions where absent
    #[arg(long, value_name = "NAME", help_heading = "Where and when")]
    region: Option<String>,
    /// Show new events as they come
    #[arg(long, conflicts_with_all = ["until", "limit", "oldest_first"])]
    follow: bool,
    /// Oldest events first
    #[arg(long)]
    oldest_first: bool,
    /// Show at most so many; where absent, 50 in a table and all in json and csv
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    #[arg(long, value_enum, default_value = "table")]
    format: LookupFormat,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LookupFormat {
    /// For people
    Table,
    /// {"Records":[…]}, whole records; with --follow one record per line
    Json,
    /// For spreadsheets
    Csv,
}

impl Lookup {
    pub(crate) async fn run(self, shell: &Shell) -> anyhow::Result<()> {
        let mut client = self.connect.client(shell, self.data_profile())?;
        let mut input = self.input(shell)?;
        if self.follow {
            return self.tail(&mut client, input).await;
        }
        let mut sheet = Sheet::new(self.format);
        let mut budget = Budget(self.limit.or((self.format == LookupFormat::Table).then_some(TABLE_LIMIT)));
        let more = loop {
            input["MaxResults"] = json!(budget.asks());
            let mut answer = client.call("Lookup", &input).await?;
            let mut records = texts(&mut answer);
            let more = budget.takes(&mut records);
            print(&sheet.page(&records))?;
            match answer.get("NextToken") {
                Some(token) if !more => input["NextToken"] = token.clone(),
                _ => break more,
            }
        };
        print(&sheet.end())?;
        match (self.format, sheet.shown) {
            (LookupFormat::Table, 0) => note(&self.nothing_found()),
            (LookupFormat::Table, n) if more => {
                note(&format!("there are more than these {n}; show more with --limit {}", n.saturating_mul(4)));
            }
            (_, n) if more => note(&format!("there are more than these {n}; leave --limit out to get all")),
            _ => {}
        }
        Ok(())
    }

    /// Who signs with `--data` alone: other accounts are the operator's to see.
    fn data_profile(&self) -> &'static str {
        if self.all || self.account.is_some() { OPERATOR } else { ROOT }
    }

    fn nothing_found(&self) -> String {
        let mut text = "no events".to_owned();
        if let Some(since) = &self.since {
            text.push_str(&format!(" since {since}; go further back with --since, or leave it out"));
        }
        text
    }

    async fn tail(&self, client: &mut Client, mut input: Value) -> anyhow::Result<()> {
        input["Follow"] = json!(true);
        input["MaxResults"] = json!(PAGE_MAX);
        // The first call does not wait: from its token on nothing is missed.
        input["WaitSeconds"] = json!(0);
        if self.format == LookupFormat::Csv {
            print(&csv_line(CSV_HEADER))?;
        }
        loop {
            let mut answer = client.call("Lookup", &input).await?;
            for record in texts(&mut answer) {
                let line = match self.format {
                    LookupFormat::Json => format!("{}\n", json_text(&record)),
                    LookupFormat::Csv => csv_row(&record),
                    LookupFormat::Table => {
                        let cells = RecordView::new(&record).table_cells();
                        format!("{}\n", output::row(cells.iter().map(String::as_str)).join("  "))
                    }
                };
                print(&line)?;
            }
            input["NextToken"] = answer["NextToken"].clone();
            input["WaitSeconds"] = json!(TAIL_WAIT_S);
        }
    }

    fn input(&self, shell: &Shell) -> anyhow::Result<Value> {
        let read_only = self.read_only.map(|b| b.to_string());
        let event_source = self.event_source.as_deref().map(full_source);
        let attributes = [
            ("AccessKeyId", &self.access_key_id),
            ("EventId", &self.event_id),
            ("EventName", &self.event_name),
            ("EventSource", &event_source),
            ("ReadOnly", &read_only),
            ("ResourceName", &self.resource_name),
            ("ResourceType", &self.resource_type),
            ("Username", &self.username),
        ];
        let attributes: Vec<Value> = attributes
            .into_iter()
            .filter_map(|(key, value)| Some(json!({ "AttributeKey": key, "AttributeValue": value.as_ref()? })))
            .collect();
        let now = shell.world.now();
        let time = |text: &Option<String>| -> anyhow::Result<Option<i64>> {
            let moment = text.as_deref().map(|text| moment(text, now)).transpose();
            Ok(moment.map_err(anyhow::Error::msg)?.map(|t| t.as_second()))
        };
        Ok(without_nulls(json!({
            "Attributes": (!attributes.is_empty()).then_some(attributes),
            "Words": (!self.words.is_empty()).then_some(&self.words),
            "AccountId": self.account,
            "AllAccounts": self.all.then_some(true),
            "Region": self.region,
            "StartTime": time(&self.since)?,
            "EndTime": time(&self.until)?,
            "Order": self.oldest_first.then_some("OldestFirst"),
        })))
    }
}

/// How many records may still be shown; `None`: all.
struct Budget(Option<u64>);

impl Budget {
    /// How many to ask for: one more than may be shown tells whether there is more.
    fn asks(&self) -> u64 {
        self.0.map_or(PAGE_MAX, |left| left.saturating_add(1).min(PAGE_MAX))
    }

    /// Cuts a page to what may be shown; true where it held more.
    fn takes(&mut self, records: &mut Vec<String>) -> bool {
        let Some(left) = &mut self.0 else { return false };
        let fits = usize::try_from(*left).unwrap_or(usize::MAX);
        let more = records.len() > fits;
        records.truncate(fits);
        *left -= records.len() as u64;
        more
    }
}

/// The answer, written page by page, so that it may be larger than memory.
struct Sheet {
    format: LookupFormat,
    begun: bool,
    /// Records so far.
    shown: u64,
}

impl Sheet {
    fn new(format: LookupFormat) -> Self {
        Self { format, begun: false, shown: 0 }
    }

    /// The text of the next page. A table's columns fit the widths of its own page.
    fn page(&mut self, records: &[String]) -> String {
        let mut text = self.head();
        match self.format {
            LookupFormat::Json => {
                for (i, record) in records.iter().enumerate() {
                    text.push_str(if self.shown == 0 && i == 0 { "\n" } else { ",\n" });
                    text.push_str(&json_text(record));
                }
            }
            LookupFormat::Csv => text.extend(records.iter().map(|record| csv_row(record))),
            LookupFormat::Table if records.is_empty() => {}
            LookupFormat::Table => text.push_str(&table(records)),
        }
        self.shown += records.len() as u64;
        text
    }

    fn head(&mut self) -> String {
        match (std::mem::replace(&mut self.begun, true), self.format) {
            (false, LookupFormat::Json) => "{\"Records\":[".to_owned(),
            (false, LookupFormat::Csv) => csv_line(CSV_HEADER),
            _ => String::new(),
        }
    }

    fn end(&mut self) -> String {
        let mut text = self.head();
        match self.format {
            LookupFormat::Json => text.push_str("\n]}\n"),
            LookupFormat::Table if self.shown == 0 => text.push_str(&table(&[])),
            LookupFormat::Table | LookupFormat::Csv => {}
        }
        text
    }
}

fn table(records: &[String]) -> String {
    let mut table = output::table(&["time", "account", "who", "what", "on", "from", "result"]);
    for record in records {
        table.add_row(output::row(RecordView::new(record).table_cells().iter().map(String::as_str)));
    }
    output::text(&table)
}

/// The records of an answer, taken out of it.
fn texts(answer: &mut Value) -> Vec<String> {
    let Some(Value::Array(records)) = answer.get_mut("Records").map(Value::take) else { return Vec::new() };
    let text = |record| match record {
        Value::String(text) => Some(text),
        _ => None,
    };
    records.into_iter().filter_map(text).collect()
}

/// A service as records name it: `s3` is `s3.amazonaws.com`.
fn full_source(name: &str) -> String {
    if name.contains('.') { name.to_owned() } else { format!("{name}.amazonaws.com") }
}

/// The exact text of a record for programs; for a terminal the same JSON without characters that steer it.
fn json_text(record: &str) -> String {
    if std::io::stdout().is_terminal() { output::for_json_terminal(record) } else { record.to_owned() }
}

fn csv_row(record: &str) -> String {
    csv_line(RecordView::new(record).csv_cells().iter().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        lookup: Lookup,
    }

    fn line(words: &[&str]) -> Result<Lookup, clap::Error> {
        Line::try_parse_from(["lookup"].iter().chain(words)).map(|line| line.lookup)
    }

    /// Shows `there` records of a server with pages of up to `page`, and says what was shown and whether there is more.
    fn shown(format: LookupFormat, limit: Option<u64>, there: usize, page: usize) -> (String, u64, bool) {
        let all: Vec<String> = (0..there).map(|i| format!("{{\"eventID\":\"{i}\"}}")).collect();
        let (mut sheet, mut budget, mut text, mut at) = (Sheet::new(format), Budget(limit), String::new(), 0);
        loop {
            let end = (at + page.min(budget.asks() as usize)).min(there);
            let mut records = all[at..end].to_vec();
            at = end;
            let more = budget.takes(&mut records);
            text.push_str(&sheet.page(&records));
            if more || at == there {
                text.push_str(&sheet.end());
                return (text, sheet.shown, more);
            }
        }
    }

    #[test]
    fn an_export_is_whole_whatever_the_pages() {
        for (there, page) in [(0, 1), (1, 1), (7, 3), (2_500, 1_000)] {
            let (text, count, more) = shown(LookupFormat::Json, None, there, page);
            let json: Value = serde_json::from_str(&text).expect("one object");
            assert_eq!((json["Records"].as_array().map(Vec::len), count, more), (Some(there), there as u64, false));
            let (text, _, more) = shown(LookupFormat::Csv, None, there, page);
            assert_eq!((text.lines().count(), more), (there + 1, false));
        }
    }

    #[test]
    fn a_limit_says_whether_there_is_more() {
        for format in [LookupFormat::Json, LookupFormat::Csv, LookupFormat::Table] {
            let check = |limit: u64, there: usize, page: usize, expect: (u64, bool)| {
                let (_, count, more) = shown(format, Some(limit), there, page);
                assert_eq!((count, more), expect, "{limit} of {there}");
            };
            check(50, 49, 1_000, (49, false));
            check(50, 50, 1_000, (50, false));
            check(50, 51, 1_000, (50, true));
            check(50, 51, 7, (50, true));
            check(1_000, 1_001, 1_000, (1_000, true));
            check(1_000, 1_000, 1_000, (1_000, false));
            check(u64::MAX, 5, 2, (5, false));
        }
    }

    #[test]
    fn a_limit_is_one_at_least() {
        assert_eq!(line(&[]).expect("parsed").limit, None);
        assert_eq!(line(&["--limit", "1000"]).expect("parsed").limit, Some(1_000));
        for bad in ["0", "-1", "x"] {
            assert!(line(&["--limit", bad]).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_folder_lets_the_owner_see_the_own_account_unless_others_are_asked_for() {
        let check = |words: &[&str], expect: &str| assert_eq!(line(words).expect("parsed").data_profile(), expect);
        check(&["--data", "d"], ROOT);
        check(&["--all"], OPERATOR);
        check(&["--account", "111122223333"], OPERATOR);
    }

    #[test]
    fn a_service_may_be_named_in_short() {
        let check = |name: &str, expect: &str| assert_eq!(full_source(name), expect);
        check("s3", "s3.amazonaws.com");
        check("s3.amazonaws.com", "s3.amazonaws.com");
        check("partner.example", "partner.example");
    }

    #[test]
    fn advice_on_the_time_is_for_those_who_gave_one() {
        assert_eq!(line(&[]).expect("parsed").nothing_found(), "no events");
        assert!(line(&["--since", "2h"]).expect("parsed").nothing_found().contains("--since"));
    }
}
