//! `opentrail lookup`: finds management events, and follows them live.

use std::io::IsTerminal;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::account::without_nulls;
use super::connect::{Connect, OPERATOR};
use super::time::moment;
use super::{Shell, print};
use crate::client::Client;
use crate::output::{self, CSV_HEADER, RecordView, csv_line};

/// Most records asked for at a time.
const PAGE_MAX: usize = 1_000;
/// How long one call of a live tail waits in the server.
const TAIL_WAIT_S: u32 = 15;

/// Find management events by attributes, words, time, account and region
#[derive(Args)]
#[command(after_help = "Examples:
  $ opentrail lookup --since 2h
  $ opentrail lookup --event-name CreateBucket --username ana --since 7d
  $ opentrail lookup AccessDenied 203.0.113.7
  $ opentrail lookup --resource-name my-bucket --format csv > events.csv
  $ opentrail lookup --all --follow --profile opentrail-operator

All conditions must hold. Words are looked for anywhere in the record, in upper or lower case.")]
pub(crate) struct Lookup {
    #[command(flatten)]
    connect: Connect,
    /// Words that all occur somewhere in the record
    words: Vec<String>,
    #[arg(long, value_name = "NAME", help_heading = "Attributes")]
    event_name: Option<String>,
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
    /// Show at most so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
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
        let mut client = self.connect.client(shell, OPERATOR)?;
        let input = self.input(shell)?;
        if self.follow {
            return self.tail(&mut client, input).await;
        }
        let (records, more) = self.gather(&mut client, input).await?;
        match self.format {
            LookupFormat::Json => {
                print("{\"Records\":[")?;
                for (i, record) in records.iter().enumerate() {
                    print(if i == 0 { "\n" } else { ",\n" })?;
                    print(&json_text(record))?;
                }
                print("\n]}\n")?;
            }
            LookupFormat::Csv => {
                print(&csv_line(CSV_HEADER))?;
                for record in &records {
                    print(&csv_row(record))?;
                }
            }
            LookupFormat::Table => {
                let mut table = output::table(&["time", "account", "who", "what", "on", "from", "result"]);
                for record in &records {
                    table.add_row(output::row(RecordView::new(record).table_cells().iter().map(String::as_str)));
                }
                print(&output::text(&table))?;
                if records.is_empty() {
                    print("no events; try a longer time with --since 7d\n")?;
                }
            }
        }
        if more && self.format == LookupFormat::Table {
            print(&format!("\nthere are more; show them with --limit {}\n", self.limit.saturating_mul(4)))?;
        }
        Ok(())
    }

    /// Up to `limit` records, and whether there are more.
    async fn gather(&self, client: &mut Client, mut input: Value) -> anyhow::Result<(Vec<String>, bool)> {
        let mut records: Vec<String> = Vec::new();
        loop {
            let left = self.limit.saturating_sub(records.len());
            if left == 0 {
                return Ok((records, true));
            }
            input["MaxResults"] = json!(left.min(PAGE_MAX));
            let answer = client.call("Lookup", &input).await?;
            records.extend(texts(&answer));
            match answer.get("NextToken") {
                Some(token) => input["NextToken"] = token.clone(),
                None => return Ok((records, false)),
            }
        }
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
            let answer = client.call("Lookup", &input).await?;
            for record in texts(&answer) {
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
        let attributes = [
            ("AccessKeyId", &self.access_key_id),
            ("EventId", &self.event_id),
            ("EventName", &self.event_name),
            ("EventSource", &self.event_source),
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

fn texts(answer: &Value) -> impl Iterator<Item = String> + '_ {
    answer["Records"].as_array().into_iter().flatten().filter_map(|r| r.as_str().map(str::to_owned))
}

/// The exact text of a record for programs; for a terminal the same JSON without characters that steer it.
fn json_text(record: &str) -> String {
    if std::io::stdout().is_terminal() { output::for_json_terminal(record) } else { record.to_owned() }
}

fn csv_row(record: &str) -> String {
    csv_line(RecordView::new(record).csv_cells().iter().map(String::as_str))
}
