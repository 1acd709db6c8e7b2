//! `opentrail config`: every setting with its value, default, unit and meaning.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Shell, print, print_json};
use crate::output::{self, Format};
use crate::settings::{Source, TABLE, load};

/// Show every setting with its value, default, unit and meaning; secrets are left out
#[derive(Args)]
#[command(after_help = "Examples:
  $ opentrail config
  $ opentrail config --config opentrail.toml --set history.retention_days=365
  $ OPENTRAIL_LOG_LEVEL=debug opentrail config --format json

A setting stands in the TOML file under its dotted name (beside other listen.… settings, listen is written
listen.address), in the environment in capitals as OPENTRAIL_HISTORY_RETENTION_DAYS, or in --set. --set wins over the
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
        let lines = TABLE.iter().map(|setting| {
            let value = &loaded.values[setting.name];
            (setting, setting.shown(&value.text), setting.shown(setting.default), value.origin.to_string())
        });
        if self.format == Format::Json {
            let all: Vec<_> = lines
                .map(|(setting, value, default, origin)| {
                    json!({
                        "name": setting.name,
                        "value": value,
                        "default": default,
                        "unit": setting.unit,
                        "meaning": setting.meaning,
                        "origin": origin,
                        "variable": setting.variable(),
                    })
                })
                .collect();
            return print_json(&json!(all));
        }
        let mut table = output::table(&["name", "value", "default", "unit", "meaning"]);
        for (setting, value, default, _) in lines {
            table.add_row(output::row([setting.name, &value, &default, setting.unit, setting.meaning]));
        }
        print(&output::text(&table))
    }
}
