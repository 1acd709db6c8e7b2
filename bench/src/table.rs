//! The table that a run prints: our figure, the peer's in the same run, what was promised.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// Whether more or less is better.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
    /// Shown for itself.
    None,
}

/// One line of the table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Figure {
    pub(crate) what: String,
    pub(crate) ours: f64,
    pub(crate) unit: String,
    pub(crate) goal: Goal,
    /// What it is compared with, and its figure in the same unit.
    pub(crate) peer: Option<(String, f64)>,
    /// Processor seconds of the measured part, where they mean something.
    pub(crate) cpu_s: Option<f64>,
}

impl Figure {
    pub(crate) fn new(what: impl Into<String>, ours: f64, unit: &str, goal: Goal) -> Self {
        Self { what: what.into(), ours, unit: unit.to_owned(), goal, peer: None, cpu_s: None }
    }

    pub(crate) fn beside(mut self, peer: impl Into<String>, figure: f64) -> Self {
        self.peer = Some((peer.into(), figure));
        self
    }

    pub(crate) fn cpu(mut self, seconds: f64) -> Self {
        self.cpu_s = Some(seconds);
        self
    }

    fn met(&self) -> Option<bool> {
        match self.goal {
            Goal::AtLeast(goal) => Some(self.ours >= goal),
            Goal::AtMost(goal) => Some(self.ours <= goal),
            Goal::None => None,
        }
    }
}

/// The lines as a table for eyes.
pub(crate) fn render(figures: &[Figure]) -> String {
    let number = |n: f64| match n.abs() {
        x if x >= 1000.0 => format!("{n:.0}"),
        x if x >= 10.0 => format!("{n:.1}"),
        _ => format!("{n:.3}"),
    };
    let mut rows = vec![["row", "ours", "goal", "", "peer", "its figure", "ratio", "CPU s"].map(str::to_owned)];
    for figure in figures {
        let goal = match figure.goal {
            Goal::AtLeast(goal) => format!("≥ {}", number(goal)),
            Goal::AtMost(goal) => format!("≤ {}", number(goal)),
            Goal::None => String::new(),
        };
        let verdict = match figure.met() {
            Some(true) => "met",
            Some(false) => "SHORT",
            None => "",
        };
        let (peer, theirs, ratio) = match &figure.peer {
            Some((peer, theirs)) => (peer.clone(), number(*theirs), format!("{:.2}", figure.ours / theirs)),
            None => Default::default(),
        };
        let ours = format!("{} {}", number(figure.ours), figure.unit);
        let cpu = figure.cpu_s.map(|s| format!("{s:.1}")).unwrap_or_default();
        rows.push([figure.what.clone(), ours, goal, verdict.to_owned(), peer, theirs, ratio, cpu]);
    }
    let widths: Vec<usize> =
        (0..8).map(|i| rows.iter().map(|r| r[i].chars().count()).max().unwrap_or_default()).collect();
    let mut out = String::new();
    for row in rows {
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(out, "{cell:<width$}  ", width = width);
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
    out
}
