//! Virtual MFA devices.

use opentrail_policy::rows::{self, MfaRow, Tag};
use opentrail_policy::{PrincipalKind, mfa_seed};
use opentrail_protocol::Document;
use opentrail_wire::{Cx, Fault};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::tagging::Tagged;
use super::{account, users};
use crate::entity::{self, Entity};
use crate::faults::{conflict, exists, no_such, quota, unavailable};
use crate::page::Page;
use crate::picture;
use crate::shapes::{self, date};
use crate::tags::{self, Case};
use crate::verb::{Answer, Draft};

/// Devices of one user.
const DEVICES_MAX: usize = 8;
/// Devices of an account, as many as users.
const DEVICES_PER_ACCOUNT_MAX: u64 = 5_000;

/// What stands in the label of a code as it is.
const LABEL: &AsciiSet = &NON_ALPHANUMERIC.remove(b'@').remove(b'-').remove(b'.').remove(b'_');

fn context(serial: &str) -> String {
    format!("mfa/{serial}")
}

fn missing(serial: &str) -> Fault {
    no_such(format!("MFA Device with serial number {serial} does not exist."))
}

fn wrong_code() -> Fault {
    Fault::new("InvalidAuthenticationCode", 403, "Authentication code for device is not valid.")
}

/// Where a device of this account stands.
fn place<'s>(d: &Draft<'_>, serial: &'s str) -> Option<&'s str> {
    serial.strip_prefix(&format!("arn:aws:iam::{}:mfa/", d.account))
}

async fn load(d: &mut Draft<'_>, input: &Document) -> Result<MfaRow, Fault> {
    let serial = entity::name(input, "SerialNumber");
    let row = match place(d, serial) {
        Some(place) => d.get(&rows::mfa_key(d.account, place)).await.map_err(unavailable)?,
        None => None,
    };
    row.ok_or_else(|| missing(serial))
}

fn save(d: &mut Draft<'_>, row: &MfaRow) {
    if let Some(place) = place(d, &row.serial) {
        d.put(rows::mfa_key(d.account, place), row);
    }
}

pub(crate) async fn create(d: &mut Draft<'_>, cx: &Cx, input: &Document) -> Answer {
    let (name, path) = (entity::name(input, "VirtualMFADeviceName"), entity::path(input, "Path")?);
    let tags = tags::read(input, Case::Kept)?;
    let serial = opentrail_event::Arn::iam(d.account, "mfa", &path, name).to_string();
    let key = rows::mfa_key(d.account, &format!("{}{name}", &path[1..]));
    if d.get::<MfaRow>(&key).await.map_err(unavailable)?.is_some() {
        return Err(exists("MFA device already exists."));
    }
    d.room(
        rows::mfa_devices(d.account),
        DEVICES_PER_ACCOUNT_MAX,
        quota("VirtualMFADevicesPerAccount", DEVICES_PER_ACCOUNT_MAX),
    );
    let seed = mfa_seed(d.world());
    let row = MfaRow {
        sealed: d.directory().seal_text(&context(&serial), &seed),
        serial,
        created_s: d.now_s(),
        owner: None,
        enabled_s: None,
        last_step: None,
        drift: 0,
        tags,
    };
    d.put(key, &row);
    let whom = match &cx.principal.kind {
        PrincipalKind::User { name, .. } => name.clone(),
        _ => d.account.to_string(),
    };
    let label = format!("{name}@{whom}");
    let label = utf8_percent_encode(&label, LABEL);
    let picture = picture::qr_png(&format!("otpauth://totp/{label}?secret={seed}"));
    let shown = Document::structure()
        .with("SerialNumber", row.serial.as_str())
        .with("Base32StringSeed", Document::Blob(seed.into()))
        .with("QRCodePNG", picture.map(|png| Document::Blob(png.into())))
        .with("Tags", tags::shown_if_any(&row.tags));
    Ok(Document::structure().with("VirtualMFADevice", shown))
}

/// Whose device a call is about: a user's id, or the account's for its root.
async fn owner(d: &mut Draft<'_>, cx: &Cx, input: &Document) -> Result<String, Fault> {
    let name = input.text("UserName");
    // The root enables its own under a name that no user can have.
    if cx.principal.kind == PrincipalKind::Root
        && name.is_none_or(|name| name.contains(' ') || name == d.account.as_str())
    {
        return Ok(d.account.to_string());
    }
    match users::named_or_caller(cx, input)? {
        Some(name) => Ok(users::load(d, &name).await?.unique_id),
        None => Ok(d.account.to_string()),
    }
}

/// Adds a serial number to its owner's, or takes it away.
async fn assign(d: &mut Draft<'_>, owner: &str, serial: &str, present: bool) -> Result<(), Fault> {
    let change = |list: &mut Vec<String>| {
        list.retain(|other| other != serial);
        if present {
            list.push(serial.to_owned());
        }
        list.len()
    };
    let devices = if owner == d.account.as_str() {
        let mut settings = account::settings(d).await?;
        let devices = change(&mut settings.root_mfa);
        account::save(d, &settings);
        devices
    } else {
        let Some(Entity::User(mut user)) = Entity::by_id(d, owner).await? else { return Ok(()) };
        let devices = change(&mut user.mfa);
        Entity::User(user).save(d);
        devices
    };
    if devices > DEVICES_MAX {
        return Err(quota("MFADevicesPerUser", DEVICES_MAX as u64));
    }
    Ok(())
}

fn codes(input: &Document) -> [&str; 2] {
    ["AuthenticationCode1", "AuthenticationCode2"].map(|member| entity::name(input, member))
}

pub(crate) async fn enable(d: &mut Draft<'_>, cx: &Cx, input: &Document) -> Answer {
    let owner = owner(d, cx, input).await?;
    let row = load(d, input).await?;
    if row.owner.is_some() {
        return Err(exists("MFA Device is already in use."));
    }
    let [first, second] = codes(input);
    let paired = d.directory().pair_mfa(&row, first, second).map_err(unavailable)?.ok_or_else(wrong_code)?;
    let row = MfaRow { owner: Some(owner.clone()), enabled_s: Some(d.now_s()), ..paired };
    save(d, &row);
    assign(d, &owner, &row.serial, true).await?;
    Ok(Document::structure())
}

/// The device of this owner.
async fn load_of(d: &mut Draft<'_>, cx: &Cx, input: &Document) -> Result<(String, MfaRow), Fault> {
    let owner = owner(d, cx, input).await?;
    let row = load(d, input).await?;
    match row.owner.as_deref() == Some(owner.as_str()) {
        true => Ok((owner, row)),
        false => Err(missing(entity::name(input, "SerialNumber"))),
    }
}

pub(crate) async fn resync(d: &mut Draft<'_>, cx: &Cx, input: &Document) -> Answer {
    let (_, row) = load_of(d, cx, input).await?;
    let [first, second] = codes(input);
    let row = d.directory().pair_mfa(&row, first, second).map_err(unavailable)?.ok_or_else(wrong_code)?;
    save(d, &row);
    Ok(Document::structure())
}

/// The device stays, as nobody's.
pub(crate) async fn deactivate(d: &mut Draft<'_>, cx: &Cx, input: &Document) -> Answer {
    let (owner, row) = load_of(d, cx, input).await?;
    assign(d, &owner, &row.serial, false).await?;
    save(d, &MfaRow { owner: None, enabled_s: None, ..row });
    Ok(Document::structure())
}

pub(crate) async fn delete(d: &mut Draft<'_>, input: &Document) -> Answer {
    let row = load(d, input).await?;
    if row.owner.is_some() {
        return Err(conflict("MFA VirtualDevice in use. Must deactivate first."));
    }
    if let Some(place) = place(d, &row.serial) {
        d.delete(rows::mfa_key(d.account, place));
    }
    Ok(Document::structure())
}

pub(crate) async fn get(d: &mut Draft<'_>, input: &Document) -> Answer {
    let row = load(d, input).await?;
    let owner = match row.owner.as_deref() {
        Some(id) => Entity::by_id(d, id).await?,
        None => None,
    };
    let asked = input.text("UserName");
    if asked.is_some_and(|name| owner.as_ref().is_none_or(|owner| !owner.name().eq_ignore_ascii_case(name))) {
        return Err(missing(&row.serial));
    }
    Ok(Document::structure()
        .with("UserName", owner.as_ref().map(Entity::name))
        .with("SerialNumber", row.serial.as_str())
        .with("EnableDate", row.enabled_s.and_then(date)))
}

/// Those of one user.
pub(crate) async fn list(d: &mut Draft<'_>, cx: &Cx, input: &Document) -> Answer {
    let page = Page::read("ListMFADevices", input)?;
    let (name, serials) = match users::named_or_caller(cx, input)? {
        Some(name) => {
            let user = users::load(d, &name).await?;
            (user.name, user.mfa)
        }
        None => ("root".to_owned(), account::settings(d).await?.root_mfa),
    };
    let (serials, rest) = page.cut(serials, String::clone);
    let mut shown = Vec::with_capacity(serials.len());
    for serial in &serials {
        let Some(place) = place(d, serial) else { continue };
        if let Some(row) = d.get::<MfaRow>(&rows::mfa_key(d.account, place)).await.map_err(unavailable)? {
            shown.push(
                Document::structure()
                    .with("UserName", name.as_str())
                    .with("SerialNumber", serial.as_str())
                    .with("EnableDate", row.enabled_s.and_then(date)),
            );
        }
    }
    Ok(rest.onto(Document::structure().with("MFADevices", shown)))
}

/// Those of the account; never with their seeds.
pub(crate) async fn list_virtual(d: &mut Draft<'_>, input: &Document) -> Answer {
    let page = Page::read("ListVirtualMFADevices", input)?;
    let status = input.text("AssignmentStatus").unwrap_or("Any");
    let wanted = |row: &MfaRow| match status {
        "Assigned" => row.owner.is_some(),
        "Unassigned" => row.owner.is_none(),
        _ => true,
    };
    let (devices, rest) = page.scan(d, &rows::mfa_devices(d.account), wanted).await?;
    let mut shown = Vec::with_capacity(devices.len());
    for row in &devices {
        let user = match row.owner.as_deref() {
            Some(id) => match Entity::by_id(d, id).await? {
                Some(Entity::User(user)) => shapes::user(d.account, &user),
                _ => Document::structure()
                    .with("UserId", d.account.as_str())
                    .with("Arn", opentrail_event::Arn::root(d.account).as_str())
                    .with("CreateDate", date(row.created_s)),
            },
            None => Document::Null,
        };
        shown.push(
            Document::structure()
                .with("SerialNumber", row.serial.as_str())
                .with("User", user)
                .with("EnableDate", row.enabled_s.and_then(date)),
        );
    }
    Ok(rest.onto(Document::structure().with("VirtualMFADevices", shown)))
}

impl Tagged for MfaRow {
    async fn load(d: &mut Draft<'_>, input: &Document) -> Result<Self, Fault> {
        load(d, input).await
    }

    fn tags_mut(&mut self) -> &mut Vec<Tag> {
        &mut self.tags
    }

    fn save(&self, d: &mut Draft<'_>) {
        save(d, self);
    }
}
