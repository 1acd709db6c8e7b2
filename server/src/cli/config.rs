//! `opentrail config`: every setting with its value, default, unit and meaning.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Shell, note, print, print_json};
use crate::output::{self, Format};
use crate::settings::{Loaded, Source, TABLE, load};

/// Show every setting with its value, default, unit and meaning; secrets are left out
#[derive(Args)]
#[command(after_help = "Examples:
  $ opentrail config
  $ opentrail config --config opentrail.toml --set history.retention_days=365
  $ OPENTRAIL_LOG_LEVEL=debug opentrail config --format json

A setting stands in the TOML file under its dotted name (beside other listen.… settings, listen is written \
listen.address), in the environment in capitals as OPENTRAIL_HISTORY_RETENTION_DAYS, or in --set. --set wins over the \
environment, that over the file.")]
pub(crate) struct Config {
    #[command(flatten)]
    from: From,
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// Where settings come from.
#[derive(Args, Clone)]
pub(crate) struct From {
    /// TOML file of settings
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// One setting; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
}

impl Config {
    pub(crate) fn run(self, shell: &Shell) -> anyhow::Result<()> {
        let source = Source { file: self.from.config, environment: shell.environment.clone(), set: self.from.set };
        let loaded = load(&source)?;
        for name in &loaded.strange_variables {
            note(&format!(
                "warning: no setting is called {name}; `opentrail config --format json` lists all variables"
            ));
        }
        if self.format == Format::Table {
            return print(&table(&loaded));
        }
        let lines = TABLE.iter().map(|setting| {
            let value = &loaded.values[setting.name];
            json!({
                "name": setting.name,
                "value": setting.shown(&value.text),
                "default": setting.shown(setting.default),
                "unit": setting.unit,
                "meaning": setting.meaning,
                "origin": value.origin.to_string(),
                "variable": setting.variable(),
            })
        });
        print_json(&lines.collect())
    }
}

/// For people: the default stands only beside a value that is another.
fn table(loaded: &Loaded) -> String {
    let mut table = output::wrapped_table(&["name", "value", "default", "unit", "meaning"]);
    for setting in TABLE {
        let text = &loaded.values[setting.name].text;
        let value = breakable(setting.shown(text));
        let default = match setting.default {
            default if default == text => String::new(),
            "" => "(none)".to_owned(),
            default => breakable(setting.shown(default)),
        };
        table.add_row(output::row([setting.name, &value, &default, setting.unit, setting.meaning]));
    }
    output::text(&table)
}

/// A long list with blanks behind its commas, where lines may break. Such lists are read with blanks too.
fn breakable(text: String) -> String {
    if text.len() > LIST_CHARS && !text.contains(' ') { text.replace(',', ", ") } else { text }
}

/// A list longer than this may be broken.
const LIST_CHARS: usize = 30;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Environment;

    #[test]
    fn a_default_stands_beside_another_value_and_lines_are_short() {
        let set = vec!["history.retention_days=365".into(), "tls.cert=c".into(), "tls.key=k".into()];
        let loaded = load(&Source { file: None, environment: Environment::default(), set }).expect("loaded");
        let text = table(&loaded);
        let words = |name: &str| -> Vec<&str> {
            let line = text.lines().find(|line| line.split_whitespace().next() == Some(name)).expect("a line");
            line.split_whitespace().skip(1).take(3).collect()
        };
        assert_eq!(words("history.retention_days"), ["365", "90", "days"]);
        assert_eq!(words("tls.cert")[..2], ["c", "(none)"]);
        assert_eq!(words("limits.connections"), ["1024", "connections", "most"]);
        assert!(text.contains("eu-north-1") && text.contains("us-west-2"), "no name is broken: {text}");
        assert!(text.lines().all(|line| line.chars().count() <= 120), "{text}");
    }
}
