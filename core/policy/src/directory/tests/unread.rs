//! A catalog that fails while a decision is being made: nobody is denied by it.

use super::*;
use crate::{Session, SessionPolicy};

/// Reads of one decision at most, with room to spare.
const READS_MAX: usize = 64;

fn commit(draft: Draft<'_, ()>) {
    assert!(matches!(block_on(draft.commit()), Ok(Committed::Done)));
}

fn document(effect: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"{effect}","Action":"s3:*","Resource":"*"}}}}"#)
}

/// A house with the user `ana` in the group `crew` and a session of the role `ops`; each has a policy of its own, the account's
/// policy `p` and the boundary `b`, and the session is narrowed.
fn peopled(directory: &Directory) -> (Principal, Principal) {
    let account = first_account(directory);
    let user = block_on(directory.create_user(account, "ana", "/", None)).expect("made");
    let arn = |name: &str| format!("arn:aws:iam::{account}:policy/{name}");
    let policy = |name: &str| rows::PolicyRow {
        name: name.into(),
        path: "/".into(),
        unique_id: format!("ANPA{name}"),
        created_s: 0,
        updated_s: 0,
        description: None,
        versions: vec![rows::PolicyVersion { number: 1, document: document("Allow"), created_s: 0 }],
        default: 1,
        next: 2,
        tags: Vec::new(),
    };
    let grants = rows::Grants {
        attached: [arn("p")].into(),
        inline: [("in".to_owned(), document("Allow"))].into(),
        boundary: Some(arn("b")),
    };
    let group = rows::GroupRow {
        name: "crew".into(),
        path: "/".into(),
        unique_id: "AGPAX".into(),
        created_s: 0,
        grants: rows::Grants { boundary: None, ..grants.clone() },
    };
    let role = rows::RoleRow {
        name: "ops".into(),
        path: "/".into(),
        unique_id: "AROAX".into(),
        created_s: 0,
        grants: grants.clone(),
        tags: Vec::new(),
        trust: String::new(),
        trusted: Default::default(),
        description: None,
        max_session_s: 3_600,
        linked_to: None,
    };
    let mut draft = directory.draft::<()>(account);
    let key = rows::user_key(account, "ana");
    let mut row: rows::UserRow = block_on(draft.get(&key)).expect("answered").expect("a user");
    row.groups.push(group.unique_id.clone());
    row.grants = grants;
    draft.put(key, &row);
    draft.put(rows::group_key(account, "crew"), &group);
    draft.put_bytes(rows::by_id_key(account, "AGPAX"), "gcrew");
    draft.put(rows::role_key(account, "ops"), &role);
    for name in ["p", "b", "s"] {
        draft.put(rows::policy_key(account, name), &policy(name));
    }
    commit(draft);
    let kind = PrincipalKind::User { name: "ana".into(), path: "/".into(), unique_id: user.unique_id };
    let ana = Principal { kind, account, access_key_id: "AKIAX".into(), session: None };
    let inline = Policy::parse(document("Allow").as_bytes(), &Kind::Identity).expect("a policy");
    let session = Session {
        inline: Some(SessionPolicy { text: document("Allow"), policy: Arc::new(inline) }),
        managed: vec![arn("s")],
        ..Session::default()
    };
    let kind = PrincipalKind::Role {
        name: "ops".into(),
        path: "/".into(),
        unique_id: "AROAX".into(),
        session_name: "ana".into(),
    };
    let ops = Principal { kind, session: Some(Arc::new(session)), ..ana.clone() };
    (ana, ops)
}

/// Forgets whatever was read of the account, as any change of it does.
fn forget(directory: &Directory, account: AccountId) {
    let mut draft = directory.draft::<()>(account);
    draft.put_bytes(rows::by_id_key(account, "AIDANOBODY"), "unobody");
    commit(draft);
}

#[test]
fn whatever_cannot_be_read_nobody_is_denied() {
    let (catalog, directory) = fresh();
    let (ana, ops) = peopled(&directory);
    let authority = Authority::new(directory.clone());
    let context = Context::new();
    for (who, reads) in [(&ana, 5), (&ops, 4)] {
        let ask = || {
            block_on(authority.decide(Question {
                principal: who,
                action: "s3:GetObject",
                resources: &[],
                resource_account: None,
                policy: None,
                kind: ResourceKind::Ordinary,
                context: &context,
            }))
        };
        let mut unread = 0;
        for good in 0..READS_MAX {
            forget(&directory, who.account);
            catalog.fail_reads_after(good);
            let decision = ask();
            catalog.mend_reads();
            match decision {
                Decision::Unavailable { why } => assert!(why.contains("as planned"), "{why}"),
                decision => {
                    assert_eq!(decision, Decision::Allow, "after {good} reads");
                    break;
                }
            }
            unread += 1;
            // Nothing half-read was kept.
            assert_eq!(ask(), Decision::Allow, "mended after {good} reads");
        }
        assert_eq!(unread, reads, "reads of a decision about {who:?}");
    }
}

#[test]
fn rights_that_were_read_before_decide_without_the_catalog() {
    let (catalog, directory) = fresh();
    let (ana, _) = peopled(&directory);
    assert!(block_on(directory.rights(&ana)).is_ok());
    catalog.fail_reads_after(0);
    assert_eq!(block_on(directory.rights(&ana)).expect("kept").identity.len(), 4);
    // The root of an account needs none, and so nothing is read.
    let root = Principal { kind: PrincipalKind::Root, ..ana };
    assert!(block_on(directory.rights(&root)).is_ok());
}
