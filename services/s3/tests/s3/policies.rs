//! Bucket policies: put, got and deleted, and asked for every call (`spec/s3.md` 10).

use std::sync::Arc;

use opentrail_catalog::memory::MemoryCatalog;
use opentrail_event::AccountId;
use opentrail_policy::{Decision, Directory, Draft, Principal, PrincipalKind, rows};
use opentrail_wire::{Announced, Cx, Fault, RequestBody, Service};

use crate::door::{ALICE, Ask, BOB, House, Reply, delete, detail, get, head, put, run};
use crate::guards;

/// A house with the real decider. Alice's root has made the bucket `bkt`.
struct Guarded {
    house: House,
    decide: Arc<dyn opentrail_policy::Decide>,
    directory: Arc<Directory>,
    /// Of the directory, not of the buckets.
    people: MemoryCatalog,
}

/// `111111111111/root`, `222222222222/adm`
fn principal(directory: &Directory, who: &str) -> Principal {
    let (account, name) = who.split_once('/').unwrap();
    let account: AccountId = account.parse().unwrap();
    let kind = match name {
        "root" => PrincipalKind::Root,
        name => {
            let user = run(directory.user(account, name)).unwrap().unwrap();
            PrincipalKind::User { name: user.name, path: user.path, unique_id: user.unique_id }
        }
    };
    Principal { kind, account, access_key_id: "AKIAEXAMPLEEXAMPLE00".into(), session: None }
}

impl Guarded {
    fn new() -> Self {
        let (guards, directory, people) = run(guards::real());
        let decide = guards.decide.clone();
        let house = House::guarded(Arc::default(), Arc::default(), 1, guards);
        let it = Self { house, decide, directory, people };
        it.ok("111111111111/root", &put("/bkt"));
        it
    }

    /// The door's part: announce, decide, run.
    fn call(&self, who: &str, ask: &Ask) -> Result<Reply, Fault> {
        self.call_at(who, ask, [127, 0, 0, 1].into())
    }

    fn call_at(&self, who: &str, ask: &Ask, source_ip: std::net::IpAddr) -> Result<Reply, Fault> {
        self.call_as(principal(&self.directory, who), ask, source_ip)
    }

    fn call_as(&self, principal: Principal, ask: &Ask, source_ip: std::net::IpAddr) -> Result<Reply, Fault> {
        let cx = Cx { principal: Arc::new(principal), source_ip, ..ask.cx() };
        run(async {
            let head = ask.head();
            let announced = self.house.s3.announce(&cx, &head, Some(&ask.body)).await;
            let mut announced: Announced = announced.map_err(|rejected| rejected.fault)?;
            let decision = match announced.open {
                true => Decision::Allow,
                false => guards::decide(&*self.decide, &cx, &announced).await,
            };
            match decision {
                Decision::Allow => {}
                Decision::Deny { because, explicit } => {
                    let because = if explicit { format!("{because}!") } else { because };
                    return Err(Fault::new("AccessDenied", 403, because));
                }
                Decision::Unavailable { why } => return Err(Fault::new("Undecided", 503, why)),
            }
            let body = RequestBody::Whole(ask.body.clone());
            let answer = self.house.s3.run(&cx, &head, &mut announced, body).await?;
            let opentrail_wire::AnswerBody::Whole(body) = answer.body else { panic!("a small answer") };
            Ok(Reply {
                status: answer.status,
                headers: answer.headers,
                body,
                response_elements: None,
                additional: None,
            })
        })
    }

    fn ok(&self, who: &str, ask: &Ask) -> Reply {
        self.call(who, ask).unwrap_or_else(|fault| panic!("{who} {}: {fault}", ask.target))
    }

    fn denied(&self, who: &str, ask: &Ask) -> String {
        match self.call(who, ask) {
            Ok(reply) => panic!("{who} may {} {}: {reply:?}", ask.method, ask.target),
            Err(fault) => {
                assert_eq!((fault.status, fault.code.as_ref()), (403, "AccessDenied"), "{fault}");
                fault.message
            }
        }
    }

    fn set(&self, statements: &str) {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        assert_eq!(self.ok("111111111111/root", &put("/bkt?policy").body(text)).status, 204);
    }
}

const ALICE_ROOT: &str = "111111111111/root";
const BOB_ADM: &str = "222222222222/adm";

fn statement(effect: &str, principal: &str, action: &str, more: &str) -> String {
    format!(
        r#"{{"Effect":"{effect}","Principal":{{"AWS":"{principal}"}},"Action":"{action}",
            "Resource":["arn:aws:s3:::bkt","arn:aws:s3:::bkt/*"]{more}}}"#
    )
}

#[test]
fn a_policy_is_kept_as_it_was_put() {
    let it = Guarded::new();
    let code = |ask: &Ask| it.call(ALICE_ROOT, ask).err().map(|f| (f.status, f.code.into_owned()));
    let none = Some((404, "NoSuchBucketPolicy".to_owned()));
    assert_eq!(code(&get("/bkt?policy")), none);
    assert_eq!(code(&get("/bkt?policyStatus")), none);
    assert_eq!(it.ok(ALICE_ROOT, &delete("/bkt?policy")).status, 204);
    let text = "{ \"Statement\" : [ {\n\"Effect\":\"Allow\", \"Principal\":{\"AWS\":\"222222222222\"}, \
        \"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::bkt/*\" } ] }\n";
    let reply = it.ok(ALICE_ROOT, &put("/bkt?policy").body(text));
    assert_eq!((reply.status, reply.body.len()), (204, 0));
    let reply = it.ok(ALICE_ROOT, &get("/bkt?policy"));
    assert_eq!((reply.status, reply.header("content-type"), reply.text()), (200, Some("application/json"), text));
    let reply = it.ok(ALICE_ROOT, &get("/bkt?policyStatus"));
    assert_eq!(reply.one("IsPublic").as_deref(), Some("false"));
    // It outlives a restart, and not its bucket.
    let restarted = it.house.restart(2);
    assert_eq!(restarted.ok(&get("/bkt?policy")).text(), text);
    assert_eq!(it.ok(ALICE_ROOT, &delete("/bkt")).status, 204);
    assert_eq!(it.house.catalog.count("s3/policy"), 0);
    it.ok(ALICE_ROOT, &put("/bkt"));
    assert_eq!(code(&get("/bkt?policy")), none);
}

#[test]
fn what_is_not_a_policy_is_refused() {
    let it = Guarded::new();
    let check = |text: &str, code: &str, message: &str, more: &str| {
        let fault = it.call(ALICE_ROOT, &put("/bkt?policy").body(text.to_owned())).expect_err(text);
        assert_eq!((fault.code.as_ref(), fault.message.as_str()), (code, message), "{text}");
        let seen = detail(&fault, "Detail").unwrap_or_default();
        assert!(seen.contains(more), "{text}: {seen}");
    };
    let malformed = "MalformedPolicy";
    let one = |principal: &str| format!(r#"{{"Statement":[{}]}}"#, statement("Allow", principal, "s3:*", ""));
    check("<xml/>", malformed, "Policies must be valid JSON and the first byte must be '{'", "byte 0");
    check("{}", malformed, "Missing required field Statement", "");
    check(&one("333333333333"), malformed, "Invalid principal in policy", "333333333333");
    let nobody = "arn:aws:iam::222222222222:user/nobody";
    check(&one(nobody), malformed, "Invalid principal in policy", nobody);
    check(&one("arn:aws:iam::222222222222:role/r"), malformed, "Invalid principal in policy", "role/r");
    check(&one("*").replace("bkt", "other"), malformed, "Policy has invalid resource", "arn:aws:s3:::bkt");
    let long = format!("{{\"Id\":\"{}\",{}", "x".repeat(20 << 10), &one("222222222222")[1..]);
    check(&long, malformed, "Policy exceeds the maximum allowed document size.", "20480");
    let public = "User: arn:aws:iam::111111111111:root is not authorized to perform: s3:PutBucketPolicy on resource: \
        \"arn:aws:s3:::bkt\" because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public \
        Access.";
    check(&one("*"), "AccessDenied", public, "");
    assert_eq!(it.house.catalog.count("s3/policy"), 0);
    it.set(&statement(
        "Allow",
        "*",
        "s3:*",
        r#","Condition":{"StringEquals":{"aws:PrincipalAccount":"222222222222"}}"#,
    ));
    let fault =
        it.call(ALICE_ROOT, &put("/bkt?policy").header("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==").body(one(BOB)));
    assert_eq!(fault.expect_err("another body").code, "BadDigest");
}

#[test]
fn an_account_that_is_named_by_its_canonical_id() {
    let it = Guarded::new();
    let list = it.ok("222222222222/root", &get("/"));
    let bobs_id = list.one("ID").unwrap();
    let with = |id: &str| {
        let statement = statement("Allow", "x", "s3:GetObject", "")
            .replace("\"AWS\":\"x\"", &format!("\"CanonicalUser\":\"{id}\""));
        format!(r#"{{"Statement":{}}}"#, statement.replace("\"arn:aws:s3:::bkt\",", ""))
    };
    let fault = it.call(ALICE_ROOT, &put("/bkt?policy").body(with(&"0".repeat(64)))).expect_err("nobody");
    assert_eq!(fault.message, "Invalid principal in policy");
    it.ok(ALICE_ROOT, &put("/bkt?policy").body(with(&bobs_id)));
    it.ok(ALICE_ROOT, &put("/bkt/k").body("x"));
    assert_eq!(it.ok(BOB_ADM, &get("/bkt/k")).text(), "x");
}

#[test]
fn callers_of_other_accounts_work_where_they_are_let_in() {
    let it = Guarded::new();
    it.ok(ALICE_ROOT, &put("/bkt/k").body("alice's"));
    let no_policy = "because no resource-based policy allows the s3:GetObject action";
    assert_eq!(it.denied(BOB_ADM, &get("/bkt/k")), no_policy);
    it.set(&format!(
        "{},{}",
        statement("Allow", BOB, "s3:GetObject", ""),
        statement(
            "Allow",
            BOB,
            "s3:PutObject",
            r#","Condition":{"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control"}}"#
        )
    ));
    assert_eq!(it.ok(BOB_ADM, &get("/bkt/k")).text(), "alice's");
    it.denied("222222222222/no", &get("/bkt/k"));
    it.denied(BOB_ADM, &put("/bkt/new").body("x"));
    it.ok(BOB_ADM, &put("/bkt/new").header("x-amz-acl", "bucket-owner-full-control").body("bob's"));
    assert_eq!(it.ok(ALICE_ROOT, &get("/bkt/new")).text(), "bob's", "what is put belongs to the bucket's owner");
    it.denied(BOB_ADM, &get("/bkt"));
    it.denied(BOB_ADM, &delete("/bkt/k"));
    // Whether a key is there is not for those who may not list.
    assert_eq!(it.denied(BOB_ADM, &get("/bkt/missing")), "Access Denied");
    assert_eq!(it.denied(BOB_ADM, &head("/bkt/missing")), "Access Denied");
    assert_eq!(it.call(ALICE_ROOT, &get("/bkt/missing")).expect_err("missing").code, "NoSuchKey");
    // A policy is its owner's, whoever may.
    it.set(&statement("Allow", BOB, "s3:*", ""));
    for ask in [get("/bkt?policy"), put("/bkt?policy").body("{}"), delete("/bkt?policy")] {
        let fault = it.call(BOB_ADM, &ask).expect_err("foreign");
        assert_eq!((fault.status, fault.code.as_ref()), (405, "MethodNotAllowed"));
    }
    assert_eq!(it.call(BOB_ADM, &get("/bkt/missing")).expect_err("missing").code, "NoSuchKey");
    // Taken away, it is gone at once.
    it.ok(ALICE_ROOT, &delete("/bkt?policy"));
    assert_eq!(it.denied(BOB_ADM, &get("/bkt/k")), no_policy);
}

#[test]
fn a_denial_is_for_everybody_and_never_for_ever() {
    let it = Guarded::new();
    it.ok(ALICE_ROOT, &put("/bkt/k").body("x"));
    let lock_out = format!(r#"{{"Statement":{}}}"#, statement("Deny", "*", "s3:*", ""));
    // Whoever would lose the right to change it again has to mean it.
    let ask = put("/bkt?policy").body(lock_out.clone());
    assert!(it.denied("111111111111/adm", &ask).contains("x-amz-confirm-remove-self-bucket-access: true"));
    it.ok("111111111111/adm", &ask.header("x-amz-confirm-remove-self-bucket-access", "true"));
    let explicit = "with an explicit deny in a resource-based policy!";
    for who in [ALICE_ROOT, "111111111111/adm", BOB_ADM] {
        assert_eq!(it.denied(who, &get("/bkt/k")), explicit);
        assert_eq!(it.denied(who, &get("/bkt?location")), explicit);
    }
    assert_eq!(it.denied("111111111111/adm", &delete("/bkt?policy")), explicit);
    assert_eq!(it.ok(ALICE_ROOT, &get("/bkt?policy")).text(), lock_out);
    it.ok(ALICE_ROOT, &delete("/bkt?policy"));
    assert_eq!(it.ok("111111111111/adm", &get("/bkt/k")).text(), "x");
}

#[test]
fn circumstances_count() {
    let it = Guarded::new();
    it.ok(ALICE_ROOT, &put("/bkt/home/no/k").body("x"));
    let no = "arn:aws:iam::111111111111:user/no";
    it.set(&format!(
        r#"{{"Effect":"Allow","Principal":{{"AWS":"{no}"}},"Action":"s3:ListBucket","Resource":"arn:aws:s3:::bkt",
             "Condition":{{"StringLike":{{"s3:prefix":"home/${{aws:username}}/*"}},
                           "NumericLessThanEquals":{{"s3:max-keys":"5"}}}}}},
           {{"Effect":"Allow","Principal":{{"AWS":"{no}"}},"Action":"s3:GetObject",
             "Resource":"arn:aws:s3:::bkt/home/${{aws:username}}/*",
             "Condition":{{"IpAddress":{{"aws:SourceIp":"10.0.0.0/8"}}}}}}"#
    ));
    let (who, ask) = ("111111111111/no", get("/bkt/home/no/k"));
    assert_eq!(it.ok(who, &get("/bkt?list-type=2&prefix=home%2Fno%2F&max-keys=5")).status, 200);
    it.denied(who, &get("/bkt?list-type=2&prefix=home%2Fno%2F&max-keys=6"));
    it.denied(who, &get("/bkt?list-type=2&prefix=home%2Fno%2F"));
    it.denied(who, &get("/bkt?list-type=2&prefix=home%2F&max-keys=5"));
    it.denied(who, &get("/bkt?max-keys=5"));
    it.denied(who, &ask);
    assert!(it.call_at(who, &ask, [10, 1, 2, 3].into()).is_ok());
    assert!(it.call_at(who, &ask, [11, 1, 2, 3].into()).is_err());
    assert!(it.call_at(who, &get("/bkt/home/adm/k"), [10, 1, 2, 3].into()).is_err());
}

/// A user that was deleted is shown by the id that was meant, and its name means nobody else.
#[test]
fn a_user_who_is_gone() {
    let it = Guarded::new();
    it.ok(ALICE_ROOT, &put("/bkt/k").body("x"));
    let arn = "arn:aws:iam::111111111111:user/no";
    it.set(&statement("Allow", arn, "s3:GetObject", "").replace("\"arn:aws:s3:::bkt\",", ""));
    assert_eq!(it.ok("111111111111/no", &get("/bkt/k")).text(), "x");
    let account: AccountId = ALICE.parse().unwrap();
    let id = run(it.directory.user(account, "no")).unwrap().unwrap().unique_id;
    assert!(it.ok(ALICE_ROOT, &get("/bkt?policy")).text().contains(arn));
    run(it.directory.delete_user(account, "no")).unwrap();
    run(it.directory.create_user(account, "no", "/", None)).unwrap();
    it.denied("111111111111/no", &get("/bkt/k"));
    let shown = it.ok(ALICE_ROOT, &get("/bkt?policy"));
    assert!(shown.text().contains(&format!("\"{id}\"")) && !shown.text().contains(arn), "{}", shown.text());
}

/// Whoever is called otherwise now is shown so, and a role that is gone by its id; but only where principals are named.
#[test]
fn principals_are_shown_by_the_names_of_now() {
    let it = Guarded::new();
    let account: AccountId = ALICE.parse().unwrap();
    let (ro, ops) = ("arn:aws:iam::111111111111:user/ro", "arn:aws:iam::111111111111:role/ops");
    let role = rows::RoleRow {
        name: "ops".into(),
        path: "/".into(),
        unique_id: it.directory.draft::<()>(account).unique_id("AROA"),
        created_s: 0,
        grants: Default::default(),
        tags: Vec::new(),
        trust: "{}".into(),
        trusted: Default::default(),
        description: None,
        max_session_s: 3600,
        linked_to: None,
    };
    let change = |edit: &dyn Fn(&mut Draft<'_, ()>)| {
        let mut draft = it.directory.draft::<()>(account);
        edit(&mut draft);
        run(draft.commit()).unwrap();
    };
    change(&|draft| {
        draft.put(rows::role_key(account, "ops"), &role);
        draft.put_bytes(rows::by_id_key(account, &role.unique_id), "rops");
    });
    let condition = format!(r#","Condition":{{"ArnLike":{{"aws:PrincipalArn":["{ro}","{ops}"]}}}}"#);
    it.set(
        &statement("Allow", &format!(r#"{ro}","{ops}"#), "s3:GetObject", &condition)
            .replace("\"arn:aws:s3:::bkt\",", "")
            .replace(&format!("{{\"AWS\":\"{ro}\",\"{ops}\"}}"), &format!("{{\"AWS\":[\"{ro}\",\"{ops}\"]}}")),
    );
    let shown = || it.ok(ALICE_ROOT, &get("/bkt?policy")).text().to_owned();
    assert_eq!((shown().matches(ro).count(), shown().matches(ops).count()), (2, 2));
    // The user gets another name and path, the role goes.
    let key = rows::user_key(account, "ro");
    let mut user: rows::UserRow = run(it.directory.draft::<()>(account).get(&key)).unwrap().unwrap();
    (user.name, user.path) = ("reader".into(), "/staff/".into());
    change(&|draft| {
        draft.delete(key.clone());
        draft.put(rows::user_key(account, "reader"), &user);
        draft.put_bytes(rows::by_id_key(account, &user.unique_id), "ureader");
        draft.delete(rows::role_key(account, "ops"));
        draft.delete(rows::by_id_key(account, &role.unique_id));
    });
    let now = shown();
    assert!(now.contains(&format!(r#"["arn:aws:iam::111111111111:user/staff/reader","{}"]"#, role.unique_id)), "{now}");
    assert!(now.contains(&condition), "{now}");
}

fn many(keys: &[&str]) -> Ask {
    use md5::Digest as _;
    let objects: String = keys.iter().map(|key| format!("<Object><Key>{key}</Key></Object>")).collect();
    let document = format!("<Delete>{objects}</Delete>");
    let sum = md5::Md5::digest(document.as_bytes());
    let sum = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, sum);
    crate::door::post("/bkt?delete").body(document).header("content-md5", sum)
}

/// Each key is asked about: what a policy keeps from one deletion it keeps from many at once.
#[test]
fn of_many_keys_each_is_asked_about() {
    let it = Guarded::new();
    for key in ["a/1", "a/2", "b/1"] {
        it.ok(ALICE_ROOT, &put(format!("/bkt/{key}")).body("x"));
    }
    it.denied(BOB_ADM, &many(&["a/1"]));
    let only = |action: &str, resource: &str| {
        statement("Allow", BOB, action, "").replace("\"arn:aws:s3:::bkt\",\"arn:aws:s3:::bkt/*\"", resource)
    };
    it.set(&only("s3:DeleteObject", "\"arn:aws:s3:::bkt/a/*\""));
    let reply = it.ok(BOB_ADM, &many(&["a/1", "b/1", "b/none"]));
    assert_eq!(reply.all("Code"), ["AccessDenied", "AccessDenied"]);
    assert_eq!(it.ok(ALICE_ROOT, &get("/bkt")).all("Key"), ["a/2", "b/1"]);
    assert_eq!(it.ok("111111111111/no", &many(&["a/2"])).all("Code"), ["AccessDenied"]);
    // A Deny holds against the owner's users too.
    let deny = statement("Deny", "111111111111", "s3:DeleteObject", "")
        .replace("\"arn:aws:s3:::bkt\",\"arn:aws:s3:::bkt/*\"", "\"arn:aws:s3:::bkt/b/*\"");
    it.set(&deny);
    let reply = it.ok("111111111111/adm", &many(&["a/2", "b/1"]));
    assert_eq!((reply.all("Deleted").len(), reply.all("Code")), (1, vec!["AccessDenied".to_owned()]));
    assert_eq!(it.ok(ALICE_ROOT, &get("/bkt")).all("Key"), ["b/1"]);
}

/// A copy reads its source, and needs the right to.
#[test]
fn a_copy_reads_its_source_with_the_callers_rights() {
    let it = Guarded::new();
    it.ok(ALICE_ROOT, &put("/bkt/k").body("alice's").header("x-amz-tagging", "a=1"));
    it.ok("222222222222/root", &put("/bobs"));
    let copy = |source: &str| put("/bobs/copy").header("x-amz-copy-source", source);
    it.denied(BOB_ADM, &copy("bkt/k"));
    it.set(&statement("Allow", BOB, "s3:GetObject", ""));
    it.denied(BOB_ADM, &copy("bkt/none"));
    it.denied(BOB_ADM, &copy("bkt/k"));
    let without_tags = copy("bkt/k").header("x-amz-tagging-directive", "REPLACE");
    it.ok(BOB_ADM, &without_tags);
    assert_eq!(it.ok(BOB_ADM, &get("/bobs/copy")).text(), "alice's");
    it.set(&format!(
        "{},{}",
        statement("Allow", BOB, "s3:GetObject", ""),
        statement("Allow", BOB, "s3:GetObjectTagging", "")
    ));
    it.ok(BOB_ADM, &copy("bkt/k"));
    assert_eq!(it.ok(BOB_ADM, &head("/bobs/copy")).header("x-amz-tagging-count"), Some("1"));
    // A Deny of tags holds also where they come with the object.
    it.set(&statement("Deny", "111111111111", "s3:PutObjectTagging", ""));
    it.denied("111111111111/adm", &put("/bkt/t").body("x").header("x-amz-tagging", "a=1"));
    it.denied("111111111111/adm", &crate::door::post("/bkt/t?uploads").header("x-amz-tagging", "a=1"));
    it.ok("111111111111/adm", &put("/bkt/t").body("x"));
}

/// Many keys in one call: each is asked about, and a stranger does not come so far that the owner would read of it.
#[test]
fn many_keys_at_once() {
    let it = Guarded::new();
    for key in ["in/a", "in/b", "out"] {
        it.ok(ALICE_ROOT, &put(format!("/bkt/{key}")).body("x"));
    }
    let document = |keys: &[&str]| {
        let objects: String = keys.iter().map(|key| format!("<Object><Key>{key}</Key></Object>")).collect();
        format!("<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{objects}</Delete>")
    };
    let ask = |keys: &[&str]| {
        let document = document(keys);
        it.house.ok(&put("/sums"));
        it.house.ok(&put("/sums/document").body(document.clone()));
        let seen = it.house.ok(&head("/sums/document").header("x-amz-checksum-mode", "ENABLED"));
        let sum = seen.header("x-amz-checksum-crc64nvme").unwrap().to_owned();
        Ask::new(http::Method::POST, "/bkt?delete").header("x-amz-checksum-crc64nvme", sum).body(document)
    };
    it.denied(BOB_ADM, &ask(&["in/a"]));
    it.set(
        &statement("Allow", BOB, "s3:DeleteObject", "")
            .replace("\"arn:aws:s3:::bkt\",\"arn:aws:s3:::bkt/*\"", "\"arn:aws:s3:::bkt/in/*\""),
    );
    it.denied(BOB_ADM, &ask(&["out"]));
    let reply = it.ok(BOB_ADM, &ask(&["in/a", "out"]));
    assert_eq!(reply.status, 200);
    assert_eq!(reply.all("Key"), ["in/a", "out"]);
    assert_eq!(reply.all("Code"), ["AccessDenied"]);
    assert_eq!(it.ok(ALICE_ROOT, &get("/bkt/out")).text(), "x");
    assert_eq!(it.call(ALICE_ROOT, &get("/bkt/in/a")).expect_err("gone").code, "NoSuchKey");
}

#[test]
fn what_cannot_be_read_denies_nobody() {
    let it = Guarded::new();
    it.set(&statement("Allow", BOB, "s3:*", ""));
    it.ok(ALICE_ROOT, &put("/bkt/k").body("x"));
    let code = |who: &str, ask: &Ask| it.call(who, ask).err().map(|f| (f.status, f.code.into_owned()));
    let unavailable = Some((503, "ServiceUnavailable".to_owned()));
    // The bucket's policy.
    *it.house.catalog.unreadable.lock().unwrap() = Some("s3/policy");
    assert_eq!(code(ALICE_ROOT, &get("/bkt/k")), unavailable);
    assert_eq!(code(BOB_ADM, &get("/bkt/k")), unavailable);
    *it.house.catalog.unreadable.lock().unwrap() = None;
    // The caller's rights: for the door's question, and for those that are asked while the call runs.
    let adm = principal(&it.directory, "111111111111/adm");
    it.people.fail_reads_after(0);
    let call = |ask: &Ask| it.call_as(adm.clone(), ask, [127, 0, 0, 1].into());
    assert_eq!(call(&get("/bkt/k")).expect_err("undecided").code, "Undecided");
    assert_eq!(call(&many(&["k"])).expect("answered").all("Code"), ["ServiceUnavailable"]);
    it.people.mend_reads();
    assert_eq!(call(&many(&["k"])).expect("answered").all("Deleted").len(), 1);
}
