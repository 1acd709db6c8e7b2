//! What authorisation adds to a call: everything that the door does between understanding it and letting it run, for a user with
//! twenty policies of 5 KB over a catalog on disk. At every call but the first after a change the user's rights are compiled
//! already. How much memory a call takes is held by a test of `core/policy`, which counts.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow, bail};
use opentrail_event::{AccountId, Arn, Region, TlsDetails};
use opentrail_local::{Local, Settings};
use opentrail_policy::{
    Authority, Committed, Context, Decide, Decision, Directory, Principal, PrincipalKind, Question, ResourceKind, rows,
};
use opentrail_wire::Cx;
use opentrail_world::World;

use super::Bench;
use super::decide::{POLICIES, allowed, theirs};
use crate::measure::Spans;
use crate::table::{Figure, Goal};

/// Promised for the 99th of a hundred calls, in microseconds.
const PROMISED_US: f64 = 50.0;
/// So many policies hang on the user itself, the others on its group.
const OWN: usize = POLICIES / 2;

pub(crate) fn authorise(bench: &Bench) -> Result<Vec<Figure>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start tasks")?;
    runtime.block_on(async {
        let house = House::open(bench).await?;
        let denied = house.call("s3:DeleteObject");
        let usual = house.call("s3:GetObject");
        if house.authorised(&usual).await != Decision::Allow {
            bail!("the call that is measured has to be allowed");
        }
        if !matches!(house.authorised(&denied).await, Decision::Deny { .. }) {
            bail!("the other call that is measured has to be denied");
        }
        let mut kept = house.spans(bench, &usual).await;
        let mut refused = house.spans(bench, &denied).await;
        let mut fresh = house.spans_after_changes(bench, &usual).await?;
        let theirs = theirs(&allowed())?;
        let mut peer = Spans::default();
        let began = Instant::now();
        while began.elapsed() < bench.span / 5 {
            let start = Instant::now();
            black_box(theirs());
            peer.push(start.elapsed());
        }
        let us = |spans: &mut Spans, part: f64| spans.ms(part) * 1e3;
        let (calls, changes) = (kept.len(), fresh.len());
        Ok(vec![
            Figure::new(
                format!("a call authorised over {POLICIES} policies of 5 KB, p99 of {calls}"),
                us(&mut kept, 0.99),
                "µs",
                Goal::AtMost(PROMISED_US),
            )
            .beside("iam-rs, deciding alone", us(&mut peer, 0.99)),
            Figure::new("  p50", us(&mut kept, 0.5), "µs", Goal::None)
                .beside("iam-rs, deciding alone", us(&mut peer, 0.5)),
            Figure::new("  slowest", us(&mut kept, 1.0), "µs", Goal::None),
            Figure::new("  denied, p99", us(&mut refused, 0.99), "µs", Goal::AtMost(PROMISED_US)),
            Figure::new(
                format!("  the first after a change, all {POLICIES} read and compiled: p50 of {changes}"),
                us(&mut fresh, 0.5),
                "µs",
                Goal::None,
            ),
            Figure::new("    p99", us(&mut fresh, 0.99), "µs", Goal::None),
            Figure::new("    slowest", us(&mut fresh, 1.0), "µs", Goal::None),
        ])
    })
}

/// A house of which only who may is open.
struct House {
    directory: Arc<Directory>,
    authority: Authority,
    cx: Cx,
    /// Its files are held as long as it is.
    _local: Local,
}

/// What the service says of a call.
struct Call {
    action: &'static str,
    arns: Vec<Arn>,
    context: Context,
}

impl House {
    async fn open(bench: &Bench) -> Result<Self> {
        let world = World::real();
        let local = Local::open(&bench.scratch("authorise")?, Settings::default(), world.clone())?;
        let directory = Directory::open(local.catalog.clone(), local.seal.clone(), world.clone()).await?;
        let account: AccountId = "111122223333".parse().map_err(|e| anyhow!("{e}"))?;
        directory.create_account("bench", Some(account)).await?;
        let unique_id = people(&directory, account).await?;
        let cx = Cx {
            principal: Arc::new(Principal {
                kind: PrincipalKind::User { name: "ann".into(), path: "/".into(), unique_id },
                account,
                access_key_id: "AKIAEXAMPLEEXAMPLE00".into(),
                session: None,
            }),
            region: Region::us_east_1(),
            request_id: "0123456789ABCDEF".into(),
            received_at: world.now(),
            source_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            user_agent: Some("aws-cli/2.36.28 md/awscrt#0.29.1 ua/2.1 os/linux#6.12 md/arch#x86_64".into()),
            tls: Some(TlsDetails {
                tls_version: "TLSv1.3".into(),
                cipher_suite: "TLS_AES_128_GCM_SHA256".into(),
                client_provided_host_header: "s3.localhost".into(),
                key_exchange: None,
            }),
            presigned: false,
        };
        let authority = Authority::new(directory.clone());
        Ok(Self { directory, authority, cx, _local: local })
    }

    fn call(&self, action: &'static str) -> Call {
        let account = self.cx.account();
        let context = Context::new()
            .with("s3:ResourceAccount", account.as_str())
            .with("s3:authType", "REST-HEADER")
            .with("s3:signatureversion", "AWS4-HMAC-SHA256")
            .with("s3:signatureAge", "12");
        Call { action, arns: vec![Arn::object("data", "ann/k")], context }
    }

    /// As the door does it.
    async fn authorised(&self, call: &Call) -> Decision {
        let mut context = self.cx.context();
        context.set("aws:ResourceAccount", self.cx.account().as_str());
        context.merge(call.context.clone());
        let question = Question {
            principal: &self.cx.principal,
            action: call.action,
            resources: &call.arns,
            resource_account: None,
            policy: None,
            kind: ResourceKind::Ordinary,
            context: &context,
        };
        self.authority.decide(question).await
    }

    async fn spans(&self, bench: &Bench, call: &Call) -> Spans {
        let mut spans = Spans::default();
        let began = Instant::now();
        while began.elapsed() < bench.span / 5 {
            let start = Instant::now();
            black_box(self.authorised(black_box(call)).await);
            spans.push(start.elapsed());
        }
        spans
    }

    /// Of the first call after each of many changes.
    async fn spans_after_changes(&self, bench: &Bench, call: &Call) -> Result<Spans> {
        let mut spans = Spans::default();
        let account = self.cx.account();
        let began = Instant::now();
        while began.elapsed() < bench.span / 5 {
            // Whatever is changed in an account, what was read of it is forgotten.
            let mut draft = self.directory.draft::<()>(account);
            draft.put_bytes(rows::alias_key("bench"), account.as_str().to_owned());
            commit(draft).await?;
            let start = Instant::now();
            black_box(self.authorised(black_box(call)).await);
            spans.push(start.elapsed());
        }
        Ok(spans)
    }
}

async fn commit(draft: opentrail_policy::Draft<'_, ()>) -> Result<()> {
    match draft.commit().await? {
        Committed::Done => Ok(()),
        other => bail!("a change of the bench's own did not go through: {other:?}"),
    }
}

/// Makes the user ann, with half of the policies attached to her and half to her group. Her id.
async fn people(directory: &Directory, account: AccountId) -> Result<String> {
    let user = directory.create_user(account, "ann", "/", None).await?;
    let mut draft = directory.draft::<()>(account);
    let mut arns = Vec::new();
    for (n, document) in allowed().into_iter().enumerate() {
        let policy = rows::PolicyRow {
            name: format!("p{n}"),
            path: "/".into(),
            unique_id: draft.unique_id("ANPA"),
            created_s: 0,
            updated_s: 0,
            description: None,
            versions: vec![rows::PolicyVersion { number: 1, document, created_s: 0 }],
            default: 1,
            next: 2,
            tags: Vec::new(),
        };
        arns.push(policy.arn(account).to_string());
        draft.put(rows::policy_key(account, &policy.name), &policy);
    }
    let of_group = arns.split_off(OWN);
    let crew = rows::GroupRow {
        name: "crew".into(),
        path: "/".into(),
        unique_id: draft.unique_id("AGPA"),
        created_s: 0,
        grants: rows::Grants { attached: of_group, ..rows::Grants::default() },
    };
    let key = rows::user_key(account, "ann");
    let mut ann: rows::UserRow = draft.get(&key).await?.context("the user is there")?;
    ann.grants.attached = arns;
    ann.groups.push(crew.unique_id.clone());
    ann.tags.push(rows::Tag { key: "team".into(), value: "red".into() });
    draft.put(key, &ann);
    draft.put_bytes(rows::by_id_key(account, &crew.unique_id), "gcrew");
    draft.put(rows::group_key(account, "crew"), &crew);
    commit(draft).await?;
    Ok(user.unique_id)
}
