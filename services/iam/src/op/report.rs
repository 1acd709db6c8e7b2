//! The credential report: who can sign in with what, as CSV.

use opentrail_policy::rows::{self, Login, ReportRow, UsedRow, UserRow};
use opentrail_policy::{AccessKey, KeyStatus};
use opentrail_protocol::Document;
use opentrail_wire::Fault;

use super::account;
use crate::faults::unavailable;
use crate::shapes::date;
use crate::verb::{Answer, Draft};

/// How long a report is used again, seconds.
const VALID_S: i64 = 4 * 3_600;

const HEADER: &str = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,\
    password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,\
    access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,\
    access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,\
    cert_1_last_rotated,cert_2_active,cert_2_last_rotated";

async fn stored(d: &mut Draft<'_>) -> Result<Option<ReportRow>, Fault> {
    let key = rows::report_key(d.account);
    d.get(&key).await.map_err(unavailable)
}

/// The first call begins it; here it is done by the time of the second.
pub(crate) async fn generate(d: &mut Draft<'_>) -> Answer {
    if stored(d).await?.is_some_and(|report| d.now_s() - report.generated_s < VALID_S) {
        return Ok(Document::structure().with("State", "COMPLETE"));
    }
    let report = ReportRow { generated_s: d.now_s(), csv: csv(d).await? };
    let key = rows::report_key(d.account);
    d.put(key, &report);
    let description = "No report exists. Starting a new report generation task";
    Ok(Document::structure().with("State", "STARTED").with("Description", description))
}

pub(crate) async fn get(d: &mut Draft<'_>) -> Answer {
    let Some(report) = stored(d).await? else {
        return Err(Fault::new("ReportNotPresent", 410, ""));
    };
    if d.now_s() - report.generated_s >= VALID_S {
        return Err(Fault::new("ReportExpired", 410, ""));
    }
    Ok(Document::structure()
        .with("Content", Document::Blob(report.csv.into()))
        .with("ReportFormat", "text/csv")
        .with("GeneratedTime", date(report.generated_s)))
}

fn time(seconds: i64) -> String {
    date(seconds).map_or_else(|| "N/A".into(), |at| at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string())
}

async fn csv(d: &mut Draft<'_>) -> Result<String, Fault> {
    let mut out = HEADER.to_owned();
    let settings = account::settings(d).await?;
    let account = d.directory().account(d.account).await.map_err(unavailable)?;
    let mut line = vec![
        "<root_account>".into(),
        opentrail_event::Arn::root(d.account).to_string(),
        account.map_or_else(|| "N/A".into(), |account| time(account.created_s)),
        "not_supported".into(),
        "no_information".into(),
        "not_supported".into(),
        "not_supported".into(),
        (!settings.root_mfa.is_empty()).to_string(),
    ];
    keys(d, None, &mut line).await?;
    push(&mut out, &line);
    let policy = settings.password_policy;
    let days = policy.and_then(|policy| policy.age_max_days);
    for (_, user) in d.list::<UserRow>(&rows::users(d.account), None, usize::MAX).await.map_err(unavailable)? {
        let mut line = vec![user.name.clone(), user.arn(d.account).to_string(), time(user.created_s)];
        line.extend(password(user.login.as_ref(), days));
        line.push((!user.mfa.is_empty()).to_string());
        keys(d, Some(&user.name), &mut line).await?;
        push(&mut out, &line);
    }
    Ok(out)
}

fn password(login: Option<&Login>, days: Option<i64>) -> [String; 4] {
    let Some(login) = login else {
        return ["false".into(), "N/A".into(), "N/A".into(), "N/A".into()];
    };
    let next = days.map(|days| time(login.changed_s.saturating_add(days.saturating_mul(86_400))));
    [
        "true".into(),
        login.used_s.map_or_else(|| "no_information".into(), time),
        time(login.changed_s),
        next.unwrap_or_else(|| "N/A".into()),
    ]
}

/// Two keys, and no certificates.
async fn keys(d: &mut Draft<'_>, user: Option<&str>, line: &mut Vec<String>) -> Result<(), Fault> {
    let keys: Vec<AccessKey> = d.directory().list_access_keys(d.account, user).await.map_err(unavailable)?;
    for place in 0..2 {
        let none = || "N/A".to_owned();
        let Some(key) = keys.get(place) else {
            line.push("false".into());
            line.extend([none(), none(), none(), none()]);
            continue;
        };
        let used: Option<UsedRow> = d.get(&rows::key_used_key(&key.id)).await.map_err(unavailable)?;
        line.push((key.status == KeyStatus::Active).to_string());
        line.push(time(key.created_s));
        match used {
            Some(used) => line.extend([time(used.at_s), used.region, used.service]),
            None => line.extend([none(), none(), none()]),
        }
    }
    for _ in 0..2 {
        line.extend(["false".to_owned(), "N/A".to_owned()]);
    }
    Ok(())
}

/// Names and ARNs hold neither quotes nor line ends; a comma may stand in a name.
fn push(out: &mut String, line: &[String]) {
    out.push('\n');
    for (i, field) in line.iter().enumerate() {
        out.push_str(if i == 0 { "" } else { "," });
        match field.contains(',') {
            true => out.push_str(&format!("\"{field}\"")),
            false => out.push_str(field),
        }
    }
}
