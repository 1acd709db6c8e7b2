//! Operations on trails, called as the door calls them: JSON in, JSON out.

mod admission;
pub(crate) mod lake;
mod life;
mod refusals;
mod selectors;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use opentrail_catalog::Catalog;
use opentrail_delivery::BucketInfo;
use opentrail_delivery::memory::MemoryBuckets;
use opentrail_event::Region;
use opentrail_history::{History, schema};
use opentrail_journal::Positions;
use opentrail_policy::{Principal, PrincipalKind};
use opentrail_protocol::Models;
use opentrail_trail::Trails;
use opentrail_wire::{AnswerBody, Cx, RequestBody, RequestHead, RpcService, Service};
use opentrail_world::{SimClock, World};
use serde_json::{Value, json};

use crate::{DeliveryReport, Desk, Parts, PublicKey, ReportError, Reports, TokenKey};
use memory::{MemoryCatalog, MemoryTable};

#[path = "../../../destinations/history/src/tests/memory.rs"]
pub(crate) mod memory;

const NOW: &str = "2026-06-01T00:00:00Z";
const ANNA: &str = "111111111111";
const EVE: &str = "999999999999";

/// A trail, and both ends of the time that was asked for.
type Asked = (String, Option<i64>, Option<i64>);

/// Reports that a test writes.
#[derive(Default)]
struct Told {
    report: Mutex<DeliveryReport>,
    keys: Mutex<Vec<PublicKey>>,
    asked: Mutex<Vec<Asked>>,
    failing: Mutex<bool>,
}

impl Told {
    fn answer<T: Clone>(&self, what: &Mutex<T>) -> Result<T, ReportError> {
        if *self.failing.lock().unwrap() {
            return Err(ReportError("unplugged".into()));
        }
        Ok(what.lock().unwrap().clone())
    }
}

impl Reports for Told {
    fn delivery<'a>(&'a self, _: &'a str, _: &'a Region) -> BoxFuture<'a, Result<DeliveryReport, ReportError>> {
        ready(self.answer(&self.report)).boxed()
    }

    fn public_keys<'a>(
        &'a self,
        region: &'a Region,
        from_s: Option<i64>,
        to_s: Option<i64>,
    ) -> BoxFuture<'a, Result<Vec<PublicKey>, ReportError>> {
        self.asked.lock().unwrap().push((region.to_string(), from_s, to_s));
        ready(self.answer(&self.keys)).boxed()
    }
}

struct House {
    service: RpcService,
    trails: Arc<Trails>,
    buckets: Arc<MemoryBuckets>,
    told: Arc<Told>,
    world: World,
    clock: Arc<SimClock>,
}

/// A call as it was announced and answered.
#[derive(Debug)]
struct Done {
    /// The answer, or the code and the message of the fault.
    answer: Result<Value, (String, String)>,
    read_only: bool,
    action: String,
    arns: Vec<String>,
    parameters: Value,
    elements: Value,
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

fn registry(world: &World) -> Arc<Trails> {
    let (_, ends) = tokio::sync::watch::channel(Positions::default());
    let rows = Arc::new(opentrail_catalog::memory::MemoryCatalog::default());
    block_on(Trails::open(rows, ends, world.clone())).expect("opens")
}

/// For tests of operations that look at no trail.
pub(crate) fn desk(world: &World) -> Desk {
    Desk { trails: registry(world), buckets: Arc::new(MemoryBuckets::default()), reports: Arc::new(Told::default()) }
}

fn house() -> House {
    let (world, clock) = World::simulated(5, NOW.parse().expect("a time"));
    let catalog: Arc<dyn Catalog> = Arc::new(MemoryCatalog::default());
    let table = MemoryTable::new(schema(), world.clone());
    let history = Arc::new(History::new(table, catalog, world.clone(), opentrail_history::Settings::default()));
    let trails = registry(&world);
    let (buckets, told) = (Arc::new(MemoryBuckets::default()), Arc::new(Told::default()));
    let info = BucketInfo { account: ANNA.parse().expect("an account"), region: Region::us_east_1() };
    buckets.make("logs", info.clone());
    buckets.make("more-logs", info);
    let desk = Desk { trails: trails.clone(), buckets: buckets.clone(), reports: told.clone() };
    let token_key = TokenKey::new(&[7; 32]);
    let lake = lake::lake(&world);
    let parts = Parts { history, trails: desk, lake, world: world.clone(), token_key };
    House { service: crate::service(&Models::builtin(), parts), trails, buckets, told, world, clock }
}

impl House {
    fn done_as(&self, account: &str, region: &str, operation: &str, input: &Value) -> Done {
        let account = account.parse().expect("an account");
        let cx = Cx {
            principal: Arc::new(Principal {
                kind: PrincipalKind::Root,
                account,
                access_key_id: "AKIA1".into(),
                session: None,
            }),
            region: region.parse().expect("a region"),
            request_id: "r".into(),
            received_at: self.world.now(),
            source_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            user_agent: None,
            tls: None,
            presigned: false,
        };
        let mut headers = http::HeaderMap::new();
        let target = format!("com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.{operation}");
        headers.insert("x-amz-target", target.parse().expect("a header"));
        headers.insert("content-type", http::HeaderValue::from_static("application/x-amz-json-1.1"));
        let (raw_path, raw_query) = ("/".into(), String::new());
        let head = RequestHead { method: http::Method::POST, raw_path, raw_query, headers };
        let body = Bytes::from(input.to_string());
        let json = |raw: Option<&[u8]>| raw.map_or(Value::Null, |raw| serde_json::from_slice(raw).expect("JSON"));
        block_on(async {
            let (mut announced, refused) = match self.service.announce(&cx, &head, Some(&body)).await {
                Ok(announced) => (announced, None),
                Err(rejected) => (*rejected.known.expect("a known operation"), Some(rejected.fault)),
            };
            let ran = match refused {
                None => self.service.run(&cx, &head, &mut announced, RequestBody::Whole(body.clone())).await,
                Some(fault) => Err(fault),
            };
            let mut done = Done {
                answer: Ok(Value::Null),
                read_only: announced.class.read_only,
                action: announced.action,
                arns: announced.arns.iter().map(ToString::to_string).collect(),
                parameters: json(announced.request_parameters.as_ref().map(|raw| raw.as_bytes())),
                elements: Value::Null,
            };
            done.answer = ran.map_err(|fault| (fault.code.into_owned(), fault.message)).map(|answer| {
                done.elements = json(answer.response_elements.as_ref().map(|raw| raw.as_bytes()));
                let AnswerBody::Whole(bytes) = answer.body else { panic!("a JSON answer is whole") };
                json(Some(&bytes))
            });
            done
        })
    }

    fn done(&self, operation: &str, input: &Value) -> Done {
        self.done_as(ANNA, "us-east-1", operation, input)
    }

    fn call(&self, operation: &str, input: &Value) -> Value {
        self.done(operation, input).answer.unwrap_or_else(|fault| panic!("{fault:?} for {operation} {input}"))
    }

    fn call_in(&self, region: &str, operation: &str, input: &Value) -> Value {
        let done = self.done_as(ANNA, region, operation, input);
        done.answer.unwrap_or_else(|fault| panic!("{fault:?} for {operation} {input}"))
    }

    /// The code and the message of the fault.
    fn fault_in(&self, region: &str, operation: &str, input: &Value) -> (String, String) {
        let done = self.done_as(ANNA, region, operation, input);
        done.answer.expect_err(&format!("a fault for {operation} {input}"))
    }

    fn fault(&self, operation: &str, input: &Value) -> (String, String) {
        self.fault_in("us-east-1", operation, input)
    }

    fn code(&self, operation: &str, input: &Value) -> String {
        self.fault(operation, input).0.trim_end_matches("Exception").to_owned()
    }

    /// A trail of this name, with these further members.
    fn make(&self, name: &str, more: Value) -> Value {
        self.make_in("us-east-1", name, more)
    }

    fn make_in(&self, region: &str, name: &str, more: Value) -> Value {
        let mut input = json!({"Name": name, "S3BucketName": "logs"});
        input.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        self.call_in(region, "CreateTrail", &input)
    }

    /// The keys of all objects there are.
    fn keys(&self) -> Vec<String> {
        self.buckets.puts().into_iter().map(|put| format!("{}/{}", put.bucket, put.file.key)).collect()
    }
}

fn arn(home: &str, name: &str) -> String {
    format!("arn:aws:cloudtrail:{home}:{ANNA}:trail/{name}")
}
