//! Which server, and as whom: by the rules of the aws CLI.
//!
//! - Address: `--endpoint-url`, `AWS_ENDPOINT_URL`, the profile's `endpoint_url`, `http://127.0.0.1:4566`.
//! - Keys: `--profile`, `AWS_ACCESS_KEY_ID` and its fellows, the profile `AWS_PROFILE`, the profile `default`.
//! - Files: `AWS_SHARED_CREDENTIALS_FILE` or `~/.aws/credentials`, and `AWS_CONFIG_FILE` or `~/.aws/config`.
//! - `--data DIR` stands for the file `DIR/credentials` and goes before the environment's keys and address. Its profile is
//!   `--profile`, `AWS_PROFILE`, or the one that fits the command.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use opentrail_policy::Secret;

use crate::settings::Environment;

/// The address where nothing else is said.
const ENDPOINT: &str = "http://127.0.0.1:4566";
const REGION: &str = "us-east-1";
/// Largest profile file that is read.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// What the command line says.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    pub endpoint: Option<String>,
    pub profile: Option<String>,
    pub region: Option<String>,
    pub ca_bundle: Option<PathBuf>,
    pub data: Option<PathBuf>,
    /// The profile of `DIR/credentials` that fits the command, where neither `profile` nor `AWS_PROFILE` names one.
    pub data_profile: &'static str,
}

/// What signs.
#[derive(Debug, Clone)]
pub struct Keys {
    pub access_key_id: String,
    pub secret: Secret,
    pub session_token: Option<String>,
}

/// Where to send, and as whom.
#[derive(Debug, Clone)]
pub struct Chosen {
    pub endpoint: String,
    pub region: String,
    pub ca_bundle: Option<PathBuf>,
    pub keys: Keys,
}

/// Why nobody can sign.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    #[error(
        "no credentials: set AWS_SHARED_CREDENTIALS_FILE to the server's DATA/credentials and AWS_PROFILE to opentrail or \
         opentrail-operator, or name the server's folder with --data"
    )]
    None,
    #[error(
        "there is no profile {profile:?} in {}; it has {}: choose with --profile or AWS_PROFILE",
        file.display(),
        if has.is_empty() { "none" } else { has }
    )]
    NoProfile { profile: String, file: PathBuf, has: String },
    #[error("profile {0:?} has no aws_access_key_id with aws_secret_access_key")]
    NoKeys(String),
    #[error("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY go together: set both or neither")]
    HalfSet,
    #[error("read {}: {why}", file.display())]
    Unreadable { file: PathBuf, why: String },
}

/// Chooses by what the command line and the environment say.
pub fn choose(choice: &Choice, environment: &Environment) -> Result<Chosen, CredentialsError> {
    let (profile, section) = profile(choice, environment)?;
    let value = |name: &str| section.get(name).filter(|v| !v.is_empty()).cloned();
    let in_data = choice.data.is_some();
    let variable = |name: &str| environment.get(name).map(str::to_owned);
    let named = choice.profile.is_some() || in_data;
    let keys = match (named, variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")) {
        (false, Some(id), Some(secret)) => {
            Keys { access_key_id: id, secret: Secret::new(secret), session_token: variable("AWS_SESSION_TOKEN") }
        }
        (false, Some(_), None) | (false, None, Some(_)) => return Err(CredentialsError::HalfSet),
        _ => match (value("aws_access_key_id"), value("aws_secret_access_key"), profile) {
            (Some(id), Some(secret), _) => {
                Keys { access_key_id: id, secret: Secret::new(secret), session_token: value("aws_session_token") }
            }
            (_, _, Some(profile)) => return Err(CredentialsError::NoKeys(profile)),
            _ => return Err(CredentialsError::None),
        },
    };
    let from_data = in_data.then(|| value("endpoint_url")).flatten();
    let endpoint = choice.endpoint.clone().or(from_data).or_else(|| variable("AWS_ENDPOINT_URL"));
    let region = choice.region.clone().or_else(|| variable("AWS_REGION")).or_else(|| variable("AWS_DEFAULT_REGION"));
    Ok(Chosen {
        endpoint: endpoint.or_else(|| value("endpoint_url")).unwrap_or_else(|| ENDPOINT.into()),
        region: region.or_else(|| value("region")).unwrap_or_else(|| REGION.into()),
        ca_bundle: choice.ca_bundle.clone().or_else(|| variable("AWS_CA_BUNDLE").map(PathBuf::from)),
        keys,
    })
}

/// The keys of one profile of a file.
pub fn profile_of(file: &Path, profile: &str) -> Result<Keys, CredentialsError> {
    let mut sections: BTreeMap<String, Section> = BTreeMap::new();
    for (name, section) in read(file, true)? {
        sections.entry(name).or_default().extend(section);
    }
    let Some(mut section) = sections.remove(profile) else {
        let has = sections.into_keys().collect::<Vec<_>>().join(", ");
        return Err(CredentialsError::NoProfile { profile: profile.to_owned(), file: file.to_owned(), has });
    };
    let mut value = |name: &str| section.remove(name).filter(|value| !value.is_empty());
    match (value("aws_access_key_id"), value("aws_secret_access_key")) {
        (Some(access_key_id), Some(secret)) => {
            Ok(Keys { access_key_id, secret: Secret::new(secret), session_token: value("aws_session_token") })
        }
        _ => Err(CredentialsError::NoKeys(profile.to_owned())),
    }
}

type Section = BTreeMap<String, String>;

/// The profile that holds, and its members. `None` where no profile was asked for and there is no default.
fn profile(choice: &Choice, environment: &Environment) -> Result<(Option<String>, Section), CredentialsError> {
    let credentials = match (&choice.data, environment.get("AWS_SHARED_CREDENTIALS_FILE")) {
        (Some(data), _) => Some(data.join("credentials")),
        (None, Some(file)) => Some(PathBuf::from(file)),
        (None, None) => environment.home(".aws/credentials"),
    };
    let config = environment.get("AWS_CONFIG_FILE").map(PathBuf::from).or_else(|| environment.home(".aws/config"));
    let config = if choice.data.is_some() { None } else { config };
    let asked = choice.profile.clone().or_else(|| environment.get("AWS_PROFILE").map(str::to_owned));
    let asked = asked.or_else(|| choice.data.is_some().then(|| choice.data_profile.to_owned()));
    let mut sections: BTreeMap<String, Section> = BTreeMap::new();
    if let Some(file) = &config {
        for (name, section) in read(file, false)? {
            let name = name.strip_prefix("profile ").unwrap_or(&name).trim().to_owned();
            sections.entry(name).or_default().extend(section);
        }
    }
    if let Some(file) = &credentials {
        for (name, section) in read(file, choice.data.is_some())? {
            sections.entry(name).or_default().extend(section);
        }
    }
    let name = asked.clone().unwrap_or_else(|| "default".into());
    match sections.remove(&name) {
        Some(section) => Ok((Some(name), section)),
        None => match asked {
            // Keys of the environment need no profile.
            Some(_)
                if environment.get("AWS_ACCESS_KEY_ID").is_some()
                    && choice.profile.is_none()
                    && choice.data.is_none() =>
            {
                Ok((None, Section::new()))
            }
            Some(profile) => Err(CredentialsError::NoProfile {
                profile,
                file: credentials.unwrap_or_default(),
                has: sections.into_keys().collect::<Vec<_>>().join(", "),
            }),
            None => Ok((None, Section::new())),
        },
    }
}

/// Reads an INI file. A file that is not there has no sections, unless it `must` be.
fn read(file: &Path, must: bool) -> Result<Vec<(String, Section)>, CredentialsError> {
    let unreadable = |why: String| CredentialsError::Unreadable { file: file.to_owned(), why };
    match std::fs::metadata(file) {
        Ok(about) if about.len() > FILE_BYTES_MAX => return Err(unreadable("larger than any credentials file".into())),
        Ok(_) => {}
        Err(error) if !must && error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error.to_string())),
    }
    let text = std::fs::read_to_string(file).map_err(|error| unreadable(error.to_string()))?;
    Ok(parse(&text))
}

fn parse(text: &str) -> Vec<(String, Section)> {
    let mut sections: Vec<(String, Section)> = Vec::new();
    for line in text.lines() {
        // Indented lines are nested members, which we do not need.
        if line.starts_with([' ', '\t', '#', ';']) || line.is_empty() {
            continue;
        }
        if let Some(name) = line.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            sections.push((name.trim().to_owned(), Section::new()));
        } else if let (Some((_, section)), Some((name, value))) = (sections.last_mut(), line.split_once('=')) {
            section.insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "[opentrail]\naws_access_key_id = ROOT\naws_secret_access_key=a=b\nregion = eu-west-1\n\n# a comment\n[opentrail-operator]\naws_access_key_id = OPERATOR\naws_secret_access_key = s\nendpoint_url = http://127.0.0.1:99\n";

    fn chosen(choice: Choice, variables: &[(&str, &str)]) -> Result<Chosen, CredentialsError> {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("credentials");
        std::fs::write(&file, FILE).expect("written");
        let file = file.to_str().expect("UTF-8").to_owned();
        let choice = Choice { data: choice.data.map(|_| folder.path().to_owned()), ..choice };
        let mut all = vec![("AWS_SHARED_CREDENTIALS_FILE", file.as_str())];
        all.extend_from_slice(variables);
        choose(&choice, &Environment::of(all))
    }

    #[test]
    fn the_rules_of_the_aws_cli_hold() {
        let check = |choice: Choice, variables: &[(&str, &str)], expect: (&str, &str, &str)| {
            let chosen = chosen(choice, variables).expect("chosen");
            assert_eq!((chosen.keys.access_key_id.as_str(), chosen.endpoint.as_str(), chosen.region.as_str()), expect);
        };
        let env = [("AWS_ACCESS_KEY_ID", "E"), ("AWS_SECRET_ACCESS_KEY", "s")];
        let profile = |name: &str| Choice { profile: Some(name.into()), ..Choice::default() };
        check(Choice::default(), &[("AWS_PROFILE", "opentrail")], ("ROOT", ENDPOINT, "eu-west-1"));
        check(Choice::default(), &env, ("E", ENDPOINT, "us-east-1"));
        check(profile("opentrail-operator"), &env, ("OPERATOR", "http://127.0.0.1:99", "us-east-1"));
        let both = [env[0], env[1], ("AWS_PROFILE", "opentrail")];
        check(Choice::default(), &both, ("E", ENDPOINT, "eu-west-1"));
        check(Choice::default(), &[env[0], env[1], ("AWS_PROFILE", "gone")], ("E", ENDPOINT, "us-east-1"));
        let elsewhere = [("AWS_PROFILE", "opentrail-operator"), ("AWS_ENDPOINT_URL", "http://x:1")];
        check(Choice::default(), &elsewhere, ("OPERATOR", "http://x:1", "us-east-1"));
        let data = Choice { data: Some(PathBuf::new()), data_profile: "opentrail-operator", ..Choice::default() };
        check(data.clone(), &[("AWS_PROFILE", "opentrail")], ("ROOT", ENDPOINT, "eu-west-1"));
        let root = Choice { data_profile: "opentrail", ..data.clone() };
        check(root.clone(), &env, ("ROOT", ENDPOINT, "eu-west-1"));
        let named = Choice { profile: Some("opentrail".into()), ..data.clone() };
        check(named, &[("AWS_PROFILE", "opentrail-operator")], ("ROOT", ENDPOINT, "eu-west-1"));
        check(
            data,
            &[env[0], env[1], ("AWS_ENDPOINT_URL", "http://x:1")],
            ("OPERATOR", "http://127.0.0.1:99", "us-east-1"),
        );
    }

    #[test]
    fn who_cannot_be_chosen_is_told_what_to_do() {
        let check = |choice: Choice, variables: &[(&str, &str)], expect: &str| {
            let error = chosen(choice, variables).expect_err("refused").to_string();
            assert!(error.contains(expect), "{error}");
        };
        check(Choice::default(), &[], "--data");
        check(Choice::default(), &[("AWS_ACCESS_KEY_ID", "x")], "go together");
        let gone = Choice { profile: Some("gone".into()), ..Choice::default() };
        check(gone, &[], "it has opentrail, opentrail-operator");
    }

    #[test]
    fn a_value_keeps_its_equals_signs() {
        let sections = parse(FILE);
        assert_eq!(sections[0].1["aws_secret_access_key"], "a=b");
        assert!(parse("x = 1\n[unclosed\n=\n[]\n=\n").iter().all(|(name, _)| name.is_empty()));
    }
}
