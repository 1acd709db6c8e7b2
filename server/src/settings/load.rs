//! Gathers settings from file, environment and arguments.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::nearest::nearest;
use super::upstreams::is_service;
use super::{Environment, Setting, Settings, TABLE};

/// The setting that upstreams of single services are of.
const UPSTREAMS: &str = "upstream.services";
/// Largest configuration file that is read.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Where to look.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// The TOML file, if one was named.
    pub file: Option<PathBuf>,
    pub environment: Environment,
    /// `name=value`, in order; a later one wins.
    pub set: Vec<String>,
}

/// Who said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    Default,
    File,
    Environment,
    Argument,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Default => "default",
            Self::File => "file",
            Self::Environment => "environment",
            Self::Argument => "--set",
        })
    }
}

/// The text of one setting, before it is parsed.
#[derive(Debug, Clone)]
pub struct Value {
    pub text: String,
    pub origin: Origin,
}

/// All settings, as text and parsed.
#[derive(Debug, Clone)]
pub struct Loaded {
    pub settings: Settings,
    /// By name; every setting is there.
    pub values: BTreeMap<&'static str, Value>,
    /// Variables that look like settings and are none.
    pub strange_variables: Vec<String>,
}

/// Why settings cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SettingsError {
    #[error("there is no setting {name:?} ({origin}); did you mean {nearest}? `opentrail config` lists all")]
    Unknown { name: String, origin: Origin, nearest: &'static str },
    #[error("{name} ({origin}): {why}")]
    Wrong { name: &'static str, origin: Origin, why: String },
    #[error("--set wants name=value, not {0:?}")]
    NotAPair(String),
    #[error("configuration file {}: {why}", file.display())]
    File { file: PathBuf, why: String },
    #[error("{0}")]
    Together(String),
}

/// Reads everything. What it returns has passed every check.
pub fn load(source: &Source) -> Result<Loaded, SettingsError> {
    let mut values: BTreeMap<&'static str, Value> = BTreeMap::new();
    for setting in TABLE {
        values.insert(setting.name, Value { text: setting.default.to_owned(), origin: Origin::Default });
    }
    if let Some(file) = &source.file {
        for (name, text) in read_file(file)? {
            put(&mut values, &name, text, Origin::File)?;
        }
    }
    for setting in TABLE {
        if let Some(text) = source.environment.get(&setting.variable()) {
            values.insert(setting.name, Value { text: text.to_owned(), origin: Origin::Environment });
        }
    }
    for pair in &source.set {
        // The value is not repeated in errors: it may be a secret.
        let (name, text) = pair.split_once('=').ok_or_else(|| SettingsError::NotAPair(pair.clone()))?;
        put(&mut values, name.trim(), text.trim().to_owned(), Origin::Argument)?;
    }
    let mut settings = Settings::blank();
    for setting in TABLE {
        let value = &values[setting.name];
        let read = setting.read(&mut settings, &value.text);
        read.map_err(|why| SettingsError::Wrong { name: setting.name, origin: value.origin, why })?;
    }
    settings.check()?;
    let strange = |name: &&str| TABLE.iter().all(|setting| setting.variable() != **name);
    let strange_variables = source.environment.names("OPENTRAIL_").filter(strange).map(str::to_owned).collect();
    Ok(Loaded { settings, values, strange_variables })
}

/// `upstream.s3 = URL` stands for one of [`UPSTREAMS`]; all other names are settings.
fn put(
    values: &mut BTreeMap<&'static str, Value>,
    name: &str,
    text: String,
    origin: Origin,
) -> Result<(), SettingsError> {
    let service = name.strip_prefix("upstream.").filter(|service| is_service(service) && text.contains("://"));
    let is_setting = TABLE.iter().any(|setting| setting.name == name);
    let Some(service) = service.filter(|_| !is_setting) else {
        values.insert(named(name, origin)?.name, Value { text, origin });
        return Ok(());
    };
    let others = values.get(UPSTREAMS).map(|value| value.text.as_str()).filter(|text| !text.is_empty());
    let pair = format!("{service}={text}");
    let text = others.map_or_else(|| pair.clone(), |others| format!("{others},{pair}"));
    values.insert(UPSTREAMS, Value { text, origin });
    Ok(())
}

fn named(name: &str, origin: Origin) -> Result<&'static Setting, SettingsError> {
    TABLE.iter().find(|setting| setting.name == name).ok_or_else(|| {
        let nearest = nearest(name, TABLE.iter().map(|setting| setting.name)).expect("the table is not empty");
        SettingsError::Unknown { name: name.chars().take(80).collect(), origin, nearest }
    })
}

fn read_file(file: &Path) -> Result<Vec<(String, String)>, SettingsError> {
    let wrong = |why: String| SettingsError::File { file: file.to_owned(), why };
    let size = std::fs::metadata(file).map_err(|e| wrong(e.to_string()))?.len();
    if size > FILE_BYTES_MAX {
        return Err(wrong(format!("{size} bytes, more than {FILE_BYTES_MAX}")));
    }
    let text = std::fs::read_to_string(file).map_err(|e| wrong(e.to_string()))?;
    // Of the parser's complaint only what is wrong and where: the line itself may hold a secret.
    let table: toml::Table = toml::from_str(&text).map_err(|e: toml::de::Error| {
        let line = e.span().map_or(0, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        wrong(format!("line {line}: {}", e.message()))
    })?;
    let mut pairs = Vec::new();
    flatten("", table, &mut pairs).map_err(wrong)?;
    Ok(pairs)
}

/// Turns tables into dotted names and values into the text that `--set` would take. `listen` is a value and a table:
/// beside `listen.allow_plain` it is written `listen.address`.
fn flatten(prefix: &str, table: toml::Table, pairs: &mut Vec<(String, String)>) -> Result<(), String> {
    for (key, value) in table {
        let name = match (prefix, key.as_str()) {
            ("", key) => key.to_owned(),
            ("listen", "address") => prefix.to_owned(),
            _ => format!("{prefix}.{key}"),
        };
        let text = match value {
            toml::Value::Table(table) => {
                flatten(&name, table, pairs)?;
                continue;
            }
            toml::Value::String(text) => text,
            toml::Value::Integer(n) => n.to_string(),
            toml::Value::Float(n) => n.to_string(),
            toml::Value::Boolean(b) => b.to_string(),
            toml::Value::Datetime(_) => return Err(format!("{name}: no setting is a date")),
            toml::Value::Array(items) if items.iter().all(toml::Value::is_str) && name != "keys" => {
                items.iter().filter_map(toml::Value::as_str).collect::<Vec<_>>().join(",")
            }
            array @ toml::Value::Array(_) => {
                serde_json::to_string(&array).map_err(|_| format!("{name}: not readable"))?
            }
        };
        pairs.push((name, text));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(file: Option<&str>, environment: &[(&str, &str)], set: &[&str]) -> Result<Loaded, SettingsError> {
        let folder = tempfile::tempdir().expect("a folder");
        let file = file.map(|text| {
            let path = folder.path().join("c.toml");
            std::fs::write(&path, text).expect("written");
            path
        });
        let environment = Environment::of(environment.iter().copied());
        load(&Source { file, environment, set: set.iter().map(|&s| s.to_owned()).collect() })
    }

    #[test]
    fn arguments_win_over_the_environment_over_the_file_over_the_default() {
        let file = "[history]\nretention_days = 1\nseal_age = 7\n[limits]\nconnections = 3\n";
        let environment = [("OPENTRAIL_HISTORY_RETENTION_DAYS", "2"), ("OPENTRAIL_HISTORY_SEAL_AGE", "8")];
        let set = ["history.retention_days=3", "history.retention_days=4"];
        let loaded = source(Some(file), &environment, &set).expect("loaded");
        let check = |name: &str, text: &str, origin: Origin| {
            let value = &loaded.values[name];
            assert_eq!((value.text.as_str(), value.origin), (text, origin), "{name}");
        };
        check("history.retention_days", "4", Origin::Argument);
        check("history.seal_age", "8", Origin::Environment);
        check("limits.connections", "3", Origin::File);
        check("log.level", "info", Origin::Default);
        assert_eq!(loaded.settings.history_retention_days, 4);
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest() {
        let check = |loaded: Result<Loaded, SettingsError>, expect: &str| {
            let error = loaded.expect_err("refused").to_string();
            assert!(error.contains(expect), "{error}");
        };
        check(source(None, &[], &["history.retention_day=1"]), "history.retention_days");
        check(source(Some("[tls]\ncrt = 'x'\n"), &[], &[]), "tls.cert");
        check(source(None, &[], &["listen"]), "name=value");
        check(source(None, &[], &["history.retention_days=soon"]), "whole number");
        check(source(None, &[("OPENTRAIL_LIMITS_CONNECTIONS", "0")], &[]), "limits.connections (environment)");
        check(source(None, &[], &["tls.cert=a"]), "go together");
        check(source(None, &[], &["listen=0.0.0.0:80"]), "TLS");
        check(source(Some("listen = "), &[], &[]), "line 1");
    }

    #[test]
    fn an_upstream_of_one_service_may_be_named_by_it() {
        let file = "[upstream]\nurl = 'http://a:1'\ns3 = 'http://b:2'\nmonitoring = 'http://c:3'\n";
        let loaded = source(Some(file), &[], &["upstream.s3=http://d:4"]).expect("loaded");
        let names: Vec<&str> = loaded.settings.upstream_services.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["monitoring", "s3"]);
        assert_eq!(loaded.values["upstream.services"].text, "monitoring=http://c:3,s3=http://b:2,s3=http://d:4");
        let check = |set: &[&str], expect: &str| {
            let error = source(None, &[], set).expect_err("refused").to_string();
            assert!(error.contains(expect), "{error}");
        };
        check(&["upstream.anonimous=true"], "upstream.anonymous");
        check(&["upstream.url=https://{endpointPrefix}.{region}.amazonaws.com"], "upstream.credentials");
        check(&["upstream.allow=[{\"principal\":\"*\",\"actions\":[\"*\"]}]"], "upstream.credentials");
        check(&["upstream.access_key_id=x"], "go together");
        check(
            &["upstream.access_key_id=x", "upstream.secret_access_key=y", "upstream.anonymous=true"],
            "upstream.anonymous",
        );
    }

    #[test]
    fn the_open_world_is_listened_to_by_name_only() {
        assert!(source(None, &[], &["listen=0.0.0.0:80", "listen.allow_plain=true"]).is_ok());
        assert!(source(None, &[], &["listen=[::1]:80"]).is_ok());
    }

    #[test]
    fn variables_that_other_programs_set_do_not_stop_the_server() {
        let loaded = source(None, &[("OPENTRAIL_SERVICE_HOST", "10.0.0.1")], &[]).expect("loaded");
        assert_eq!(loaded.strange_variables, ["OPENTRAIL_SERVICE_HOST"]);
    }

    #[test]
    fn keys_stand_in_the_file_as_tables_and_in_arguments_as_json() {
        let file = "regions = ['us-east-1', 'eu-west-1']\n[listen]\naddress = '127.0.0.1:1'\n[[keys]]\naccount = '111122223333'\naccess_key_id = 'k'\nsecret_access_key = 's'\n";
        let loaded = source(Some(file), &[], &[]).expect("loaded");
        assert_eq!((loaded.settings.keys.len(), loaded.settings.regions.len()), (1, 2));
        assert_eq!(loaded.settings.listen.port(), 1);
        let json = r#"keys=[{"account":"111122223333","access_key_id":"k","secret_access_key":"a=b"}]"#;
        assert_eq!(source(None, &[], &[json]).expect("loaded").settings.keys.len(), 1);
    }
}
