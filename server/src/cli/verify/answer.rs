//! What was found, for people and for programs.

use std::io::IsTerminal;
use std::process::ExitCode;

use opentrail_digest::verify::{ChainReport, Counts, Finding, GroupReport, LinkFault, Weight, What};
use serde_json::{Value, json};

use super::NOT_CHECKED;
use crate::output::{self, Format};

/// Most findings of each weight that people are shown.
const SHOWN_MAX: usize = 200;

/// Everything.
pub(super) struct Answer {
    /// Where was looked.
    pub(super) place: String,
    pub(super) reports: Vec<GroupReport>,
    pub(super) allow_unlisted: bool,
    pub(super) allow_unproven: bool,
}

/// In one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Valid,
    NotProven,
    Invalid,
    /// There is no digest.
    NotChecked,
}

impl Verdict {
    pub(super) fn exit_code(self) -> ExitCode {
        match self {
            Self::Valid => ExitCode::SUCCESS,
            Self::NotProven | Self::Invalid => ExitCode::FAILURE,
            Self::NotChecked => ExitCode::from(NOT_CHECKED),
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::NotProven => "not-proven",
            Self::Invalid => "invalid",
            Self::NotChecked => "not-checked",
        }
    }
}

#[derive(Default)]
struct Totals {
    digests: Counts,
    log_files: Counts,
    unlisted: u64,
    uncovered: u64,
}

impl Answer {
    pub(super) fn verdict(&self) -> Verdict {
        let totals = self.totals();
        let found = |weight: Weight| self.reports.iter().map(|report| report.found[weight as usize]).sum::<u64>();
        let allowed = if self.allow_unlisted { totals.unlisted } else { 0 };
        let not_proven = totals.digests.not_proven + totals.log_files.not_proven;
        match () {
            () if totals.digests.total() == 0 => Verdict::NotChecked,
            () if found(Weight::Problem) > allowed => Verdict::Invalid,
            () if not_proven + found(Weight::NotProven) > 0 && !self.allow_unproven => Verdict::NotProven,
            () => Verdict::Valid,
        }
    }

    pub(super) fn text(&self, format: Format) -> String {
        match format {
            Format::Table => self.for_people(),
            Format::Json => {
                let json = format!("{:#}\n", self.for_programs());
                if std::io::stdout().is_terminal() { output::for_json_terminal(&json) } else { json }
            }
        }
    }

    fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for report in &self.reports {
            totals.unlisted += report.unlisted;
            totals.uncovered += report.uncovered;
            for chain in &report.chains {
                add(&mut totals.digests, chain.digests);
                add(&mut totals.log_files, chain.log_files);
            }
        }
        totals
    }

    fn chains(&self) -> impl Iterator<Item = (&GroupReport, &ChainReport)> {
        self.reports.iter().flat_map(|report| report.chains.iter().map(move |chain| (report, chain)))
    }

    fn findings(&self, weight: Weight) -> impl Iterator<Item = &Finding> {
        let all = self.reports.iter().flat_map(|report| &report.findings);
        all.filter(move |finding| self.weight(finding) == weight)
    }

    fn weight(&self, finding: &Finding) -> Weight {
        match finding.what {
            What::Unlisted if self.allow_unlisted => Weight::Note,
            _ => finding.what.weight(),
        }
    }

    fn for_people(&self) -> String {
        let mut text = format!("{}\n\n", output::for_terminal(&self.place));
        let mut table =
            output::table(&["account", "region", "trail", "proven from", "until", "digests", "log files", "result"]);
        for (report, chain) in self.chains() {
            let backfill = if chain.backfill { " (backfill)" } else { "" };
            let (from, until) = chain.covers.map_or_else(Default::default, |(a, b)| (a.to_string(), b.to_string()));
            let wrong = chain.digests.invalid + chain.log_files.invalid;
            let unproven = chain.digests.not_proven + chain.log_files.not_proven;
            let result = match (wrong, unproven) {
                (0, 0) => "valid".to_owned(),
                (0, n) => format!("{n} NOT PROVEN"),
                (n, 0) => format!("{n} INVALID"),
                (n, m) => format!("{n} INVALID, {m} NOT PROVEN"),
            };
            table.add_row(output::row([
                report.account.as_str(),
                report.region.as_str(),
                &format!("{}{backfill}", chain.trail),
                &from,
                &until,
                &ratio(chain.digests),
                &ratio(chain.log_files),
                &result,
            ]));
        }
        if self.chains().next().is_some() {
            text.push_str(&output::text(&table));
        }
        for (weight, title) in
            [(Weight::Problem, "INVALID"), (Weight::NotProven, "NOT PROVEN"), (Weight::Note, "Notes")]
        {
            let count = self.findings(weight).count();
            if count > 0 {
                text.push_str(&format!("\n{title}\n"));
            }
            for finding in self.findings(weight).take(SHOWN_MAX) {
                let line = format!("s3://{}/{}  {}", finding.bucket, finding.key, finding.what);
                text.push_str(&format!("  {}\n", output::for_terminal(&line)));
            }
            if count > SHOWN_MAX {
                text.push_str(&format!("  and {} more; --format json has them\n", count - SHOWN_MAX));
            }
        }
        let beyond: u64 = self.reports.iter().map(GroupReport::findings_beyond).sum();
        if beyond > 0 {
            text.push_str(&format!("\n{beyond} more findings were counted and are not listed.\n"));
        }
        text.push_str(&self.summary());
        text
    }

    fn summary(&self) -> String {
        let totals = self.totals();
        let mut text =
            format!("\n{} digests valid, {} log files valid", ratio(totals.digests), ratio(totals.log_files));
        for (count, what) in [
            (totals.digests.invalid, "digests INVALID"),
            (totals.log_files.invalid, "log files INVALID"),
            (totals.digests.not_proven, "digests NOT PROVEN"),
            (totals.log_files.not_proven, "log files NOT PROVEN"),
            (totals.unlisted, "log files that no digest lists"),
            (totals.uncovered, "log files that nothing covers"),
        ] {
            if count > 0 {
                text.push_str(&format!(", {count} {what}"));
            }
        }
        text.push_str(match self.verdict() {
            Verdict::Valid => "\nEverything that was looked at is proven.\n",
            Verdict::NotProven => "\nNothing contradicts the digests, but not everything is proven.\n",
            Verdict::Invalid => "\nSomething is wrong.\n",
            Verdict::NotChecked => "\nThere is no digest, so nothing was checked.\n",
        });
        text
    }

    fn for_programs(&self) -> Value {
        let totals = self.totals();
        let chains: Vec<_> = self.chains().map(|(report, chain)| chain_json(report, chain)).collect();
        let order = [Weight::Problem, Weight::NotProven, Weight::Note];
        let findings: Vec<_> =
            order.iter().flat_map(|w| self.findings(*w).map(|finding| finding_json(finding, *w))).collect();
        json!({
            "Place": self.place,
            "Result": self.verdict().as_str(),
            "Digests": counts(totals.digests),
            "LogFiles": counts(totals.log_files),
            "UnlistedLogFiles": totals.unlisted,
            "UncoveredLogFiles": totals.uncovered,
            "Chains": chains,
            "Findings": findings,
            "FindingsNotListed": self.reports.iter().map(GroupReport::findings_beyond).sum::<u64>(),
        })
    }
}

fn add(to: &mut Counts, more: Counts) {
    to.valid += more.valid;
    to.not_proven += more.not_proven;
    to.invalid += more.invalid;
}

fn ratio(counts: Counts) -> String {
    format!("{}/{}", counts.valid, counts.total())
}

fn counts(counts: Counts) -> Value {
    json!({ "Valid": counts.valid, "NotProven": counts.not_proven, "Invalid": counts.invalid })
}

fn chain_json(report: &GroupReport, chain: &ChainReport) -> Value {
    json!({
        "AccountId": report.account.as_str(),
        "Region": report.region.as_str(),
        "Trail": chain.trail,
        "HomeRegion": chain.home.as_str(),
        "Backfill": chain.backfill,
        "ProvenFrom": chain.covers.map(|(from, _)| from.to_string()),
        "ProvenUntil": chain.covers.map(|(_, until)| until.to_string()),
        "Digests": counts(chain.digests),
        "LogFiles": counts(chain.log_files),
        "Gaps": chain.gaps,
    })
}

fn finding_json(finding: &Finding, weight: Weight) -> Value {
    let details = match &finding.what {
        What::MissingMore(count) => json!({ "Count": count }),
        What::Moved { bucket, key } => json!({ "BelongsToBucket": bucket, "BelongsToKey": key }),
        What::UnknownKey(fingerprint) => json!({ "Fingerprint": fingerprint }),
        What::KeyOutsideValidity { from, until } | What::Gap { from, until } => {
            json!({ "From": from.to_string(), "Until": until.to_string() })
        }
        What::BrokenLink(fault) => json!({ "Differs": match fault {
            LinkFault::Hash => "hash",
            LinkFault::Signature => "signature",
            LinkFault::Time => "time",
        } }),
        What::Changed { listed, found } => json!({ "ListedHash": listed, "FoundHash": found }),
        What::Uncovered { files, first, last } => {
            json!({ "Count": files, "From": first.to_string(), "Until": last.to_string() })
        }
        _ => Value::Null,
    };
    json!({
        "Weight": match weight {
            Weight::Problem => "invalid",
            Weight::NotProven => "not-proven",
            Weight::Note => "note",
        },
        "Code": finding.what.code(),
        "Bucket": finding.bucket,
        "Key": finding.key,
        "Message": finding.what.to_string(),
        "Details": details,
    })
}
