//! What a call is about: the ARNs that the decider is asked about, how a denial names them, and the condition keys that IAM
//! adds (`spec/policy.md` 2.6 and 5).

use opentrail_event::{AccountId, Arn};
use opentrail_policy::rows::{
    MfaRow, OidcRow, PolicyRow, ProfileRow, SamlRow, Tag, mfa_key, oidc_key, profile_key, saml_key,
};
use opentrail_policy::{AccessKey, ManagedPolicy};
use opentrail_protocol::Document;
use opentrail_wire::{Cx, Fault, Need, Touched};

use crate::entity::{Entity, Kind};
use crate::faults::unavailable;
use crate::op::{linked, policies, providers, users};
use crate::tags;
use crate::verb::Draft;

/// The kinds of things that calls are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// The account as a whole, or nothing in particular.
    Account,
    /// A user, group or role that is named.
    The(Kind),
    /// One to be made.
    New(Kind),
    /// All of them.
    All(Kind),
    /// The named user, or the caller.
    OwnUser,
    /// The user that an access key belongs to.
    Key,
    Profile,
    NewProfile,
    AllProfiles,
    Policy,
    NewPolicy,
    AllPolicies,
    Mfa,
    NewMfa,
    /// An OpenID Connect or SAML provider, by its ARN.
    Provider,
    NewOidc,
    NewSaml,
    AllOidc,
    AllSaml,
    /// A role of a service, to be made.
    Linked,
    /// Whose policies are simulated.
    Source,
}

/// A resource: its ARN, how a denial names it, its tags.
struct Thing {
    arn: Option<Arn>,
    shown: Option<String>,
    tags: Vec<Tag>,
    boundary: Option<String>,
}

impl Thing {
    fn new(arn: Option<Arn>) -> Self {
        Self { arn, shown: None, tags: Vec::new(), boundary: None }
    }

    fn shown(arn: Option<Arn>, shown: String) -> Self {
        Self { shown: Some(shown), ..Self::new(arn) }
    }

    fn tagged(self, tags: Vec<Tag>) -> Self {
        Self { tags, ..self }
    }
}

impl What {
    /// All that the decider needs to know of this call. What is not there is asked about by the name that it would have.
    pub(crate) async fn touched(
        self,
        operation: &str,
        d: &mut Draft<'_>,
        cx: &Cx,
        input: &Document,
    ) -> Result<Touched, Fault> {
        let thing = self.thing(d, cx, input).await?;
        let also = under_new_name(operation, thing.arn.as_ref(), input, d.account).into_iter().collect();
        let arns = Some(thing.arn.into_iter().collect());
        let mut touched = Touched { arns, also, shown: thing.shown, ..Touched::default() };
        let context = &mut touched.context;
        tags::context(context, input, &thing.tags);
        if let Some(arn) = input.text("PolicyArn").filter(|_| operation.contains("tach")) {
            context.set("iam:PolicyARN", arn);
        }
        // What is asked for; else what is there.
        if let Some(arn) = input.text("PermissionsBoundary").or(thing.boundary.as_deref()) {
            context.set("iam:PermissionsBoundary", arn);
        }
        if let Some(service) = input.text("AWSServiceName") {
            context.set("iam:AWSServiceName", service);
        }
        if operation == "AddRoleToInstanceProfile"
            && let Some(Entity::Role(role)) =
                Entity::find(d, Kind::Role, input.text("RoleName").unwrap_or_default()).await?
        {
            let pass = Need::new("iam:PassRole", vec![role.arn(d.account)]);
            touched.also.push(pass.with("iam:PassedToService", "ec2.amazonaws.com"));
        }
        Ok(touched)
    }

    async fn thing(self, d: &mut Draft<'_>, cx: &Cx, input: &Document) -> Result<Thing, Fault> {
        let account = d.account;
        let text = |member: &str| input.text(member).unwrap_or_default();
        let path = input.text("Path").unwrap_or("/");
        let iam = |kind: &str, path: &str, name: &str| Some(Arn::iam(account, kind, path, name));
        Ok(match self {
            Self::Account => Thing::shown(None, "*".into()),
            Self::The(kind) => named(d, kind, text(kind.member())).await?,
            Self::New(kind) => Thing::new(iam(kind.word(), path, text(kind.member()))),
            Self::All(kind) => Thing::new(iam(kind.word(), input.text("PathPrefix").unwrap_or("/"), "")),
            Self::OwnUser => match users::named_or_caller(cx, input) {
                Ok(Some(name)) => {
                    let thing = named(d, Kind::User, &name).await?;
                    // AWS prints an empty name where none was given.
                    let shown = format!("user {}", input.text("UserName").unwrap_or(" "));
                    Thing { shown: Some(shown), ..thing }
                }
                Ok(None) => Thing::new(Some(Arn::root(account))),
                Err(_) => Thing::shown(None, "*".into()),
            },
            Self::Key => {
                let id = text("AccessKeyId");
                let key = d.directory().access_key(id).await.map_err(unavailable)?;
                match key.filter(|key| key.account == account) {
                    Some(AccessKey { user: Some(name), .. }) => named(d, Kind::User, &name).await?,
                    _ => Thing::shown(None, format!("access key {id}")),
                }
            }
            Self::Profile => {
                let name = text("InstanceProfileName");
                let row: Option<ProfileRow> = d.get(&profile_key(account, name)).await.map_err(unavailable)?;
                let arn = row.as_ref().map_or_else(|| iam("instance-profile", "/", name), |row| Some(row.arn(account)));
                Thing::shown(arn, format!("instance profile {name}"))
                    .tagged(row.map(|row| row.tags).unwrap_or_default())
            }
            Self::NewProfile => Thing::new(iam("instance-profile", path, text("InstanceProfileName"))),
            Self::AllProfiles => Thing::new(iam("instance-profile", input.text("PathPrefix").unwrap_or("/"), "")),
            Self::Policy => {
                let arn = text("PolicyArn");
                let row: Option<PolicyRow> = policies::find(d, arn).await?;
                let shown = match input.text("VersionId") {
                    Some(version) => format!("policy {arn} version {version}"),
                    None => format!("policy {arn}"),
                };
                let managed = ManagedPolicy::find(arn).map(|managed| Arn::iam_managed(managed.path, managed.name));
                let arn = managed.or_else(|| named_policy(d, arn));
                Thing::shown(arn, shown).tagged(row.map(|row| row.tags).unwrap_or_default())
            }
            Self::NewPolicy => {
                Thing::shown(iam("policy", path, text("PolicyName")), format!("policy {}", text("PolicyName")))
            }
            Self::AllPolicies => Thing::new(iam("policy", input.text("PathPrefix").unwrap_or("/"), "")),
            Self::Mfa => {
                let serial = text("SerialNumber");
                let place = serial.split_once(":mfa/").map_or(serial, |(_, place)| place);
                let row: Option<MfaRow> = d.get(&mfa_key(account, place)).await.map_err(unavailable)?;
                Thing::new(iam("mfa", "/", place)).tagged(row.map(|row| row.tags).unwrap_or_default())
            }
            Self::NewMfa => Thing::new(iam("mfa", path, text("VirtualMFADeviceName"))),
            Self::Provider => {
                let (oidc, saml) = (text("OpenIDConnectProviderArn"), text("SAMLProviderArn"));
                match (providers::oidc_url(oidc, account), providers::saml_name(saml, account)) {
                    (Some(url), _) => {
                        let row: Option<OidcRow> = d.get(&oidc_key(account, url)).await.map_err(unavailable)?;
                        Thing::new(iam("oidc-provider", "/", url)).tagged(row.map(|row| row.tags).unwrap_or_default())
                    }
                    (_, Some(name)) => {
                        let row: Option<SamlRow> = d.get(&saml_key(account, name)).await.map_err(unavailable)?;
                        Thing::new(iam("saml-provider", "/", name)).tagged(row.map(|row| row.tags).unwrap_or_default())
                    }
                    _ => Thing::shown(None, format!("{oidc}{saml}")),
                }
            }
            Self::NewOidc => Thing::new(iam("oidc-provider", "/", providers::without_scheme(text("Url")))),
            Self::NewSaml => Thing::new(iam("saml-provider", "/", text("Name"))),
            Self::AllOidc => Thing::new(iam("oidc-provider", "/", "*")),
            Self::AllSaml => Thing::new(iam("saml-provider", "/", "*")),
            Self::Linked => {
                let service = text("AWSServiceName");
                let name = linked::role_name(service, input.text("CustomSuffix"));
                Thing::new(iam("role", &format!("{}{service}/", linked::PATH), &name))
            }
            Self::Source => {
                let arn = text("PolicySourceArn");
                let kind = [Kind::User, Kind::Group, Kind::Role]
                    .into_iter()
                    .find(|kind| arn.contains(&format!(":{}/", kind.word())) && arn.contains(account.as_str()));
                let name = arn.rsplit('/').next().unwrap_or_default();
                match kind {
                    Some(kind) => Thing { shown: None, ..named(d, kind, name).await? },
                    None => Thing::shown(None, arn.to_owned()),
                }
            }
        })
    }
}

async fn named(d: &mut Draft<'_>, kind: Kind, name: &str) -> Result<Thing, Fault> {
    let shown = format!("{} {name}", kind.word());
    let account = d.account;
    Ok(match Entity::find(d, kind, name).await? {
        Some(entity) => Thing {
            arn: Some(entity.arn(account)),
            shown: Some(shown),
            tags: entity.tags().to_vec(),
            boundary: entity.grants().boundary.clone(),
        },
        None => Thing::shown(Some(Arn::iam(account, kind.word(), "/", name)), shown),
    })
}

/// Whoever gives a user or group another name or path needs the right to it under that one as well, as with AWS: a right to
/// `user/dev/*` would else be one to any name that other policies are about.
fn under_new_name(operation: &str, old: Option<&Arn>, input: &Document, account: AccountId) -> Option<Need> {
    let (kind, action, member) = match operation {
        "UpdateUser" => (Kind::User, "iam:UpdateUser", "NewUserName"),
        "UpdateGroup" => (Kind::Group, "iam:UpdateGroup", "NewGroupName"),
        _ => return None,
    };
    let place = old?.as_str().splitn(6, ':').nth(5)?.strip_prefix(kind.word())?;
    let (path, name) = place.split_at(place.rfind('/')? + 1);
    let (path, name) = (input.text("NewPath").unwrap_or(path), input.text(member).unwrap_or(name));
    let new = Arn::iam(account, kind.word(), path, name);
    (Some(&new) != old).then(|| Need::new(action, vec![new]))
}

/// The ARN as it was asked for, if it is one of this account's: nobody decides about another's.
fn named_policy(d: &Draft<'_>, arn: &str) -> Option<Arn> {
    let rest = arn.strip_prefix(&format!("arn:aws:iam::{}:policy/", d.account))?;
    let (path, name) = rest.rsplit_once('/').map_or(("/".to_owned(), rest), |(path, name)| (format!("/{path}/"), name));
    Some(Arn::iam(d.account, "policy", &path, name))
}
