//! The directory over a catalog in memory.

mod unread;

use std::sync::Arc;

use bytes::Bytes;
use futures::executor::block_on;
use jiff::Timestamp;
use opentrail_catalog::memory::MemoryCatalog;
use opentrail_catalog::{Catalog, Txn};
use opentrail_event::{AccountId, Arn};
use opentrail_world::World;

use super::*;
use crate::RightsOf;
use crate::{
    Authority, Context, Credential, Decide, Decision, Identities, Kind, Named, Policy, Principal, PrincipalKind,
    Principals, Question, ResourceKind, SealError,
};

/// Not a secret: it shows that the context is kept with the bytes.
struct Labelled;

impl Seal for Labelled {
    fn seal(&self, context: &str, plain: &[u8]) -> Vec<u8> {
        [context.as_bytes(), b"|", plain].concat()
    }

    fn open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let label = format!("{context}|");
        sealed.strip_prefix(label.as_bytes()).map(<[u8]>::to_vec).ok_or(SealError)
    }
}

fn open(catalog: &MemoryCatalog) -> Arc<Directory> {
    let seed = catalog.rows().len() as u64;
    let (world, _) = World::simulated(seed, Timestamp::from_second(1_790_000_000).expect("a time"));
    block_on(Directory::open(Arc::new(catalog.clone()), Arc::new(Labelled), world)).expect("it opens")
}

fn fresh() -> (MemoryCatalog, Arc<Directory>) {
    let catalog = MemoryCatalog::default();
    let directory = open(&catalog);
    (catalog, directory)
}

fn found(directory: &Directory, id: &str) -> Option<Arc<Credential>> {
    block_on(directory.find(id)).expect("the catalog answers")
}

fn first_account(directory: &Directory) -> AccountId {
    block_on(directory.starters()).expect("starters").account.id
}

#[test]
fn the_first_start_makes_the_operator_and_one_account_and_the_second_nothing() {
    let (catalog, directory) = fresh();
    let starters = block_on(directory.starters()).expect("starters");
    let (root, operator) = (starters.root.expect("a key"), starters.operator.expect("a key"));
    assert!(found(&directory, &operator.key.id).expect("known").principal.is_operator());
    let credential = found(&directory, &root.key.id).expect("known");
    assert_eq!(credential.secret, root.secret);
    assert_eq!(credential.principal.arn(), Arn::root(starters.account.id));
    assert_eq!(starters.account.canonical_id.len(), 64);

    let rows = catalog.rows();
    let again = open(&catalog);
    assert_eq!(catalog.rows(), rows);
    let listed = block_on(again.list_accounts(None, 10)).expect("accounts");
    assert_eq!(listed, vec![starters.account]);
}

#[test]
fn no_secret_lies_in_the_catalog_without_its_seal() {
    let (catalog, directory) = fresh();
    let root = block_on(directory.starters()).expect("starters").root.expect("a key");
    let rows = catalog.rows();
    let holds = |needle: &str| rows.values().any(|row| memmem(&row.value, needle.as_bytes()));
    assert!(!holds(root.secret.expose()));
    assert!(holds(&stored::to_hex(
        &Labelled.seal(&stored::seal_context(&root.key.id), root.secret.expose().as_bytes())
    )));
}

fn memmem(haystack: &Bytes, needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|w| w == needle)
}

#[test]
fn names_and_ids_of_accounts_are_taken_once() {
    let (_, directory) = fresh();
    let id: AccountId = "111122223333".parse().expect("an account");
    let (account, key) = block_on(directory.create_account("Acme", Some(id))).expect("made");
    assert_eq!((account.id, key.key.user.as_deref()), (id, None));
    let check = |name: &str, id: Option<AccountId>, expect: &str| {
        let error = block_on(directory.create_account(name, id)).expect_err("refused");
        assert!(error.to_string().contains(expect), "{error}");
    };
    check("acme", None, "name acme exists already");
    check("Other", Some(id), "account 111122223333 exists already");
    check("Other", Some(AccountId::OPERATOR), "exists already");
    check("", None, "1 to 50");
}

#[test]
fn a_user_has_two_keys_at_most_and_goes_only_without_any() {
    let (_, directory) = fresh();
    let account = first_account(&directory);
    let user = block_on(directory.create_user(account, "Ana", "/", Some(UserPolicy::Admin))).expect("made");
    assert_eq!(user.unique_id.len(), 21);
    let taken = block_on(directory.create_user(account, "ANA", "/", None));
    assert!(matches!(taken, Err(DirectoryError::Exists(_))));
    let keys: Vec<_> =
        (0..2).map(|_| block_on(directory.create_access_key(account, Some("ana"))).expect("made").key).collect();
    let third = block_on(directory.create_access_key(account, Some("Ana"))).expect_err("a third");
    assert_eq!(third.to_string(), "Cannot exceed quota for AccessKeysPerUser: 2");
    assert_eq!(block_on(directory.list_access_keys(account, Some("ANA"))).expect("keys").len(), 2);
    assert!(matches!(block_on(directory.delete_user(account, "ana")), Err(DirectoryError::Conflict(_))));
    for key in &keys {
        assert_eq!(key.user.as_deref(), Some("Ana"));
        block_on(directory.delete_access_key(account, &key.id)).expect("deleted");
        assert!(found(&directory, &key.id).is_none());
    }
    block_on(directory.delete_user(account, "ana")).expect("deleted");
    assert_eq!(block_on(directory.user(account, "Ana")).expect("answered"), None);
}

#[test]
fn a_disabled_key_stops_with_the_call_that_disabled_it() {
    let (_, directory) = fresh();
    let account = first_account(&directory);
    let id = block_on(directory.create_access_key(account, None)).expect("made").key.id;
    assert!(found(&directory, &id).expect("known").active);
    block_on(directory.update_access_key(account, &id, KeyStatus::Inactive)).expect("disabled");
    assert!(!found(&directory, &id).expect("known").active);
    block_on(directory.update_access_key(account, &id, KeyStatus::Active)).expect("enabled");
    assert!(found(&directory, &id).expect("known").active);
    block_on(directory.delete_access_key(account, &id)).expect("deleted");
    assert!(found(&directory, &id).is_none());
}

#[test]
fn a_key_is_changed_only_through_its_own_account() {
    let (_, directory) = fresh();
    let account = first_account(&directory);
    let (other, _) = block_on(directory.create_account("other", None)).expect("made");
    let id = block_on(directory.create_access_key(account, None)).expect("made").key.id;
    let changed = block_on(directory.update_access_key(other.id, &id, KeyStatus::Inactive));
    assert!(matches!(changed, Err(DirectoryError::NotFound(_))));
    assert!(matches!(block_on(directory.delete_access_key(other.id, &id)), Err(DirectoryError::NotFound(_))));
    assert!(found(&directory, &id).expect("known").active);
}

#[test]
fn the_operators_last_key_stays() {
    let (_, directory) = fresh();
    let id = block_on(directory.starters()).expect("starters").operator.expect("a key").key.id;
    let gone = block_on(directory.delete_access_key(AccountId::OPERATOR, &id));
    assert!(matches!(gone, Err(DirectoryError::Conflict(_))));
    let second = block_on(directory.create_access_key(AccountId::OPERATOR, Some("operator"))).expect("made");
    block_on(directory.delete_access_key(AccountId::OPERATOR, &id)).expect("another is there");
    assert!(block_on(directory.starters()).expect("starters").operator.is_none());
    let off = block_on(directory.update_access_key(AccountId::OPERATOR, &second.key.id, KeyStatus::Inactive));
    assert!(matches!(off, Err(DirectoryError::Conflict(_))));
    assert!(block_on(directory.create_user(AccountId::OPERATOR, "eve", "/", None)).is_err());
}

fn configured(account: &str, user: Option<&str>, id: &str, secret: &str) -> ConfiguredKey {
    ConfiguredKey {
        account: account.parse().expect("an account"),
        user: user.map(str::to_owned),
        policy: user.map(|_| UserPolicy::ReadOnly),
        access_key_id: id.into(),
        secret: Secret::new(secret.into()),
    }
}

/// Plans and applies; says what changed.
async fn merged(directory: &Directory, keys: &[ConfiguredKey]) -> Result<Vec<Merged>, DirectoryError> {
    let plan = directory.plan(keys).await?;
    let changes = plan.changes().to_vec();
    directory.apply(plan).await?;
    Ok(changes)
}

#[test]
fn a_plan_changes_nothing_and_what_is_left_of_it_is_planned_again() {
    let (catalog, directory) = fresh();
    let keys = [
        ConfiguredKey { policy: Some(UserPolicy::Admin), ..configured("111122223333", Some("ci"), "one", "1") },
        ConfiguredKey { policy: Some(UserPolicy::Admin), ..configured("111122223333", Some("CI"), "two", "2") },
    ];
    let before = catalog.rows();
    let plan = block_on(directory.plan(&keys)).expect("a plan");
    assert_eq!(catalog.rows(), before);
    assert_eq!(plan.changes().len(), 4, "account, user and two keys, each once: {:?}", plan.changes());
    // It dies behind each step; what is planned then is the rest.
    for done in 1..=plan.steps.len() {
        let part = Plan { steps: plan.steps[..done].to_vec(), changes: Vec::new() };
        block_on(directory.apply(part)).expect("applied");
        let rest = block_on(open(&catalog).plan(&keys)).expect("a plan");
        assert_eq!(rest.changes(), &plan.changes()[done..]);
    }
    let mut torn = keys;
    torn[1].policy = Some(UserPolicy::ReadOnly);
    assert!(block_on(directory.plan(&torn)).is_err_and(|e| e.to_string().contains("two policies")));
}

#[test]
fn configured_keys_are_merged_once_and_go_with_their_line() {
    let (catalog, directory) = fresh();
    let lines =
        [configured("111122223333", Some("ci"), "minioadmin", "one"), configured("111122223333", None, "test", "two")];
    let account: AccountId = "111122223333".parse().expect("an account");
    let first = block_on(merged(&directory, &lines)).expect("merged");
    assert_eq!(first.len(), 4, "{first:?}");
    assert_eq!(block_on(merged(&open(&catalog), &lines)).expect("merged"), Vec::new());
    assert_eq!(found(&directory, "minioadmin").expect("known").secret.expose(), "one");

    // A leaked key that was turned off stays off, whatever the configuration still says.
    block_on(directory.update_access_key(account, "test", KeyStatus::Inactive)).expect("disabled");
    assert!(matches!(block_on(directory.delete_access_key(account, "test")), Err(DirectoryError::Conflict(_))));
    assert_eq!(block_on(merged(&directory, &lines)).expect("merged"), Vec::new());
    assert!(!found(&directory, "test").expect("known").active);

    let changed = [configured("111122223333", Some("CI"), "minioadmin", "other")];
    let changes = block_on(merged(&directory, &changed)).expect("merged");
    let expect = [Merged::RemovedKey(account, "test".into()), Merged::ChangedSecret(account, "minioadmin".into())];
    assert_eq!(changes, expect);
    assert!(found(&directory, "test").is_none());
    assert_eq!(found(&directory, "minioadmin").expect("known").secret.expose(), "other");
    assert_eq!(block_on(merged(&directory, &[])).expect("merged").len(), 1);
    assert!(found(&directory, "minioadmin").is_none());
}

#[test]
fn a_configured_key_cannot_take_over_anothers() {
    let (_, directory) = fresh();
    let root = block_on(directory.starters()).expect("starters").root.expect("a key").key.id;
    let check = |key: ConfiguredKey, expect: &str| {
        let error = block_on(merged(&directory, &[key])).expect_err("refused");
        assert!(error.to_string().contains(expect), "{error}");
    };
    check(configured("111122223333", None, &root, "x"), "another owner");
    check(configured("000000000000", Some("eve"), "k", "x"), "operator's");
    check(configured("111122223333", None, "a/b", "x"), "access key id");
    check(configured("111122223333", None, "a", "x\ny"), "secret");
    let twice = [configured("111122223333", None, "a", "x"), configured("111122223333", None, "a", "y")];
    assert!(block_on(merged(&directory, &twice)).is_err());
}

#[test]
fn the_operator_gets_in_by_a_configured_key() {
    let (_, directory) = fresh();
    block_on(merged(&directory, &[configured("000000000000", None, "rescue", "x")])).expect("merged");
    assert!(found(&directory, "rescue").expect("known").principal.is_operator());
}

#[test]
fn who_is_asking_decides() {
    let (_, directory) = fresh();
    let account = first_account(&directory);
    let mut ids = std::collections::BTreeMap::new();
    for (name, policy) in [("adm", Some(UserPolicy::Admin)), ("ro", Some(UserPolicy::ReadOnly)), ("nobody", None)] {
        let user = block_on(directory.create_user(account, name, "/", policy)).expect("made");
        ids.insert(user.name, user.unique_id);
    }
    let id_of = |name: &str| ids.get(name).cloned().unwrap_or_else(|| "AIDAX".into());
    let authority = Authority::new(directory.clone());
    let user = |name: &str| Principal {
        kind: PrincipalKind::User { name: name.into(), path: "/".into(), unique_id: id_of(name) },
        account,
        access_key_id: "AKIAX".into(),
        session: None,
    };
    let principal =
        |kind: PrincipalKind, account| Principal { kind, account, access_key_id: "AKIAX".into(), session: None };
    let root = principal(PrincipalKind::Root, account);
    let operator = principal(PrincipalKind::Operator, AccountId::OPERATOR);
    let other: AccountId = "999999999999".parse().expect("an account");
    let check = |who: &Principal, action: &str, owner: Option<AccountId>, expect: bool| {
        let question = Question {
            principal: who,
            action,
            resources: &[],
            resource_account: owner,
            policy: None,
            kind: ResourceKind::Ordinary,
            context: &Context::new(),
        };
        let decision = block_on(authority.decide(question));
        assert_eq!(decision == Decision::Allow, expect, "{who:?} {action} {decision:?}");
    };
    check(&root, "s3:CreateBucket", None, true);
    check(&root, "s3:GetObject", Some(account), true);
    check(&root, "s3:GetObject", Some(other), false);
    check(&root, "opentrail:CreateUser", None, true);
    check(&root, "opentrail:CreateAccount", None, false);
    check(&root, "opentrail:ListAccounts", None, false);
    check(&operator, "opentrail:CreateAccount", None, true);
    check(&operator, "opentrail:CreateUser", Some(other), true);
    check(&operator, "s3:GetObject", Some(other), false);
    check(&operator, "s3:CreateBucket", None, true);
    check(&user("adm"), "s3:CreateBucket", None, true);
    check(&user("adm"), "opentrail:ListAccounts", None, false);
    check(&user("ro"), "s3:CreateBucket", None, false);
    check(&user("ro"), "cloudtrail:LookupEvents", None, true);
    check(&user("nobody"), "cloudtrail:LookupEvents", None, false);
    check(&user("deleted"), "cloudtrail:LookupEvents", None, false);

    let arns = [Arn::user(other, "/", "x")];
    let question = Question {
        principal: &root,
        action: "opentrail:DeleteUser",
        resources: &arns,
        resource_account: None,
        policy: None,
        kind: ResourceKind::Ordinary,
        context: &Context::new(),
    };
    let because = "because no resource-based policy allows the opentrail:DeleteUser action".to_owned();
    assert_eq!(block_on(authority.decide(question)), Decision::Deny { because, explicit: false });
}

#[test]
fn rights_and_the_policy_of_what_is_touched() {
    let (_, directory) = fresh();
    let account = first_account(&directory);
    let other: AccountId = "999999999999".parse().expect("an account");
    block_on(directory.create_account("other", Some(other))).expect("made");
    for owner in [account, other] {
        for (name, policy) in [("adm", Some(UserPolicy::Admin)), ("no", None)] {
            block_on(directory.create_user(owner, name, "/", policy)).expect("made");
        }
    }
    let authority = Authority::new(directory.clone());
    let who = |owner: AccountId, name: &str| {
        let kind = match name {
            "root" => PrincipalKind::Root,
            name => {
                let found = block_on(directory.user(owner, name)).expect("readable").expect("there");
                PrincipalKind::User { name: found.name, path: found.path, unique_id: found.unique_id }
            }
        };
        Principal { kind, account: owner, access_key_id: "AKIAX".into(), session: None }
    };
    // About the bucket `b` of `account`.
    let policy = |effect: &str, principal: &str| {
        let text = format!(
            r#"{{"Statement":{{"Effect":"{effect}","Principal":{{"AWS":"{principal}"}},"Action":"s3:*",
                "Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"]}}}}"#
        );
        let policy = Policy::parse(text.as_bytes(), &Kind::Bucket { bucket: "b".into() }).expect("a policy");
        let bind = |named: Named| Some((named.text(), block_on(directory.bind(&named)).expect("readable")?));
        let bindings = policy.named().into_iter().filter_map(bind).collect();
        policy.bind(&bindings)
    };
    let check = |by: &Principal, action: &str, policy: Option<&Policy>, expect: &str| {
        let arns = [Arn::bucket("b")];
        let question = Question {
            principal: by,
            action,
            resources: &arns,
            resource_account: Some(account).filter(|owner| *owner != by.account),
            policy,
            kind: ResourceKind::Ordinary,
            context: &Context::new(),
        };
        let seen = match block_on(authority.decide(question)) {
            Decision::Allow => "yes".to_owned(),
            Decision::Deny { because, explicit } => format!("{because}{}", if explicit { "!" } else { "" }),
            Decision::Unavailable { why } => panic!("undecided: {why}"),
        };
        assert_eq!(seen, expect, "{by:?} {action} {policy:?}");
    };
    let act = "s3:ListBucket";
    let no_identity = "because no identity-based policy allows the s3:ListBucket action";
    let no_resource = "because no resource-based policy allows the s3:ListBucket action";
    let denied = "with an explicit deny in a resource-based policy!";
    let user_arn = |owner: AccountId, name: &str| Arn::user(owner, "/", name).to_string();
    // Within the account either is enough, and an account's name delegates only.
    check(&who(account, "no"), act, None, no_identity);
    check(&who(account, "no"), act, Some(&policy("Allow", &user_arn(account, "no"))), "yes");
    check(&who(account, "no"), act, Some(&policy("Allow", "*")), "yes");
    check(&who(account, "no"), act, Some(&policy("Allow", account.as_str())), no_identity);
    check(&who(account, "adm"), act, Some(&policy("Allow", other.as_str())), "yes");
    // A denial ends it, for the root as well, save for the policy itself.
    for name in ["adm", "root"] {
        check(&who(account, name), act, Some(&policy("Deny", "*")), denied);
    }
    check(&who(account, "adm"), "s3:DeleteBucketPolicy", Some(&policy("Deny", "*")), denied);
    for action in ["s3:DeleteBucketPolicy", "s3:GetBucketPolicy", "s3:PutBucketPolicy"] {
        check(&who(account, "root"), action, Some(&policy("Deny", "*")), "yes");
        check(&who(other, "root"), action, Some(&policy("Deny", "*")), denied);
    }
    // Across accounts both are needed.
    check(&who(other, "adm"), act, None, no_resource);
    check(&who(other, "adm"), act, Some(&policy("Allow", account.as_str())), no_resource);
    check(&who(other, "adm"), act, Some(&policy("Allow", other.as_str())), "yes");
    check(&who(other, "root"), act, Some(&policy("Allow", other.as_str())), "yes");
    check(&who(other, "adm"), act, Some(&policy("Allow", &user_arn(other, "adm"))), "yes");
    check(&who(other, "no"), act, Some(&policy("Allow", other.as_str())), no_identity);
    check(&who(other, "no"), act, Some(&policy("Allow", &user_arn(other, "no"))), no_identity);
    check(&who(other, "adm"), act, Some(&policy("Deny", other.as_str())), denied);
    // A user made again under an old name is another user.
    let policy_of_no = policy("Allow", &user_arn(account, "no"));
    block_on(directory.delete_user(account, "no")).expect("deleted");
    block_on(directory.create_user(account, "no", "/", None)).expect("made");
    check(&who(account, "no"), act, Some(&policy_of_no), no_identity);
}

#[test]
fn names_in_policies_are_looked_up() {
    let (_, directory) = fresh();
    let account = first_account(&directory);
    let user = block_on(directory.create_user(account, "ann", "/staff/", None)).expect("made");
    let bind = |named: Named| block_on(directory.bind(&named)).expect("readable");
    let named = |path: &str, name: &str| Named::User {
        account,
        name: name.into(),
        arn: Arn::user(account, path, name).to_string(),
    };
    assert_eq!(bind(Named::Account(account)), Some(account.to_string()));
    assert_eq!(bind(Named::Account("999999999999".parse().expect("an account"))), None);
    assert_eq!(bind(named("/staff/", "ann")), Some(user.unique_id));
    assert_eq!(bind(named("/", "ann")), None);
    assert_eq!(bind(named("/staff/", "Ann")), None);
    let all = block_on(Principals::accounts(&*directory, None, 10)).expect("readable");
    assert_eq!(all, [account]);
}

#[test]
fn a_user_of_before_attached_policies_is_found_from_the_other_side_after_a_start() {
    let (catalog, directory) = fresh();
    let account = first_account(&directory);
    let old = br#"{"name":"Ana","path":"/","unique_id":"AIDAX","policy":"read-only","created_s":7}"#;
    let value: Vec<u8> = [&[0, 1][..], old].concat();
    block_on(catalog.txn(Txn::new().put(rows::user_key(account, "ana"), value))).expect("written");
    let again = open(&catalog);
    let user = block_on(again.user(account, "ANA")).expect("answered").expect("a user");
    assert_eq!((user.policy, user.unique_id.as_str()), (Some(UserPolicy::ReadOnly), "AIDAX"));
    let all = catalog.rows();
    assert!(all.contains_key(&rows::attached_key(account, UserPolicy::ReadOnly.managed(), "AIDAX")));
    assert_eq!(all[&rows::by_id_key(account, "AIDAX")].value, "uana");
    drop(open(&catalog));
    assert_eq!(catalog.rows(), all, "a second start changes nothing");
    block_on(again.delete_user(account, "Ana")).expect("deleted");
    assert!(catalog.rows().keys().all(|key| !format!("{key:?}").contains("AIDAX")));
}

#[test]
fn a_draft_goes_through_only_over_what_it_read() {
    let (_, directory) = fresh();
    let account = first_account(&directory);
    let key = rows::group_key(account, "Ops");
    let group = |id: &str| rows::GroupRow {
        name: "Ops".into(),
        path: "/".into(),
        unique_id: id.into(),
        created_s: 0,
        grants: Default::default(),
    };
    let make = |id: &str| {
        let mut draft = directory.draft::<&str>(account);
        assert!(block_on(draft.get::<rows::GroupRow>(&key)).expect("answered").is_none());
        draft.put(key.clone(), &group(id));
        assert_eq!(block_on(draft.get::<rows::GroupRow>(&key)).expect("answered"), Some(group(id)), "its own writes");
        draft
    };
    let (first, second) = (make("AGPA1"), make("AGPA2"));
    assert!(matches!(block_on(first.commit()), Ok(Committed::Done)));
    assert!(matches!(block_on(second.commit()), Ok(Committed::Again)));
    let mut third = directory.draft(account);
    third.room(rows::groups(account), 1, "full");
    third.put(rows::group_key(account, "Dev"), &group("AGPA3"));
    assert!(matches!(block_on(third.commit()), Ok(Committed::Refused("full"))));
    let stored = block_on(directory.draft::<()>(account).list::<rows::GroupRow>(&rows::groups(account), None, 10));
    assert_eq!(stored.expect("answered"), vec![(key, group("AGPA1"))]);
}

#[test]
fn rights_follow_every_change_of_what_they_were_made_of() {
    let (_, directory) = fresh();
    let account = first_account(&directory);
    let user = block_on(directory.create_user(account, "ana", "/", Some(UserPolicy::ReadOnly))).expect("made");
    let document = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;
    let sources = |id: &str| {
        let rights = block_on(directory.rights(&Principal {
            kind: PrincipalKind::User { name: "ana".into(), path: "/".into(), unique_id: id.into() },
            account,
            access_key_id: "AKIAX".into(),
            session: None,
        }));
        let rights = rights.expect("the catalog answers");
        rights.identity.iter().map(|attached| attached.source.to_string()).collect::<Vec<_>>()
    };
    let reader = "policy arn:aws:iam::aws:policy/ReadOnlyAccess";
    assert_eq!(sources(&user.unique_id), [reader]);
    assert!(sources("AIDASOMEBODYELSE").is_empty(), "another user of that name");

    let mut draft = directory.draft::<()>(account);
    let mut row: rows::UserRow =
        block_on(draft.get(&rows::user_key(account, "Ana"))).expect("answered").expect("a user");
    let group = rows::GroupRow {
        name: "Crew".into(),
        path: "/".into(),
        unique_id: "AGPAX".into(),
        created_s: 0,
        grants: rows::Grants { inline: [("in".to_owned(), document.to_owned())].into(), ..Default::default() },
    };
    row.groups.push(group.unique_id.clone());
    draft.put(rows::user_key(account, "ana"), &row);
    draft.put(rows::group_key(account, "crew"), &group);
    draft.put_bytes(rows::by_id_key(account, "AGPAX"), "gcrew");
    assert!(matches!(block_on(draft.commit()), Ok(Committed::Done)));
    assert_eq!(sources(&user.unique_id), [reader, "inline policy in of group Crew"]);
}

#[test]
fn a_managed_policy_is_compiled_once_and_its_newest_version_decides() {
    let (_, directory) = fresh();
    let account = first_account(&directory);
    let key = rows::policy_key(account, "p");
    let arn = format!("arn:aws:iam::{account}:policy/p");
    let version = |number, effect| rows::PolicyVersion {
        number,
        document: format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"{effect}","Action":"*","Resource":"*"}}}}"#
        ),
        created_s: 0,
    };
    let change = |default: Option<u32>| {
        let mut draft = directory.draft::<()>(account);
        match default {
            Some(default) => draft.put(
                key.clone(),
                &rows::PolicyRow {
                    name: "p".into(),
                    path: "/".into(),
                    unique_id: "ANPAX".into(),
                    created_s: 0,
                    updated_s: 0,
                    description: None,
                    versions: vec![version(1, "Allow"), version(2, "Deny")],
                    default,
                    next: 3,
                    tags: Vec::new(),
                },
            ),
            None => draft.delete(key.clone()),
        }
        assert!(matches!(block_on(draft.commit()), Ok(Committed::Done)));
    };
    let policy = || block_on(directory.managed_policy(account, &arn)).expect("answered").map(|(_, policy)| policy);
    assert!(policy().is_none());
    change(Some(1));
    let first = policy().expect("a policy");
    assert!(Arc::ptr_eq(&first, &policy().expect("a policy")), "not compiled again");
    change(Some(2));
    assert_ne!(policy().expect("a policy"), first);
    change(None);
    assert!(policy().is_none());
}
