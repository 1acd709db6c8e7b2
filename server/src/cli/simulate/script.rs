//! Who does what next: a function of the seed and the number of the call.

use bytes::Bytes;
use http::Method;
use jiff::Timestamp;
use opentrail_world::World;
use serde_json::json;

use super::company::{Actor, Company, Manner};
use super::elsewhere;
use crate::client::{Keys, Request};

/// Buckets that an account's people come back to.
const BUCKETS: u64 = 4;
/// Objects in each of them.
const OBJECTS: u64 = 6;
/// One call in so many is the intruder's.
const INTRUDER_EVERY: u64 = 12;
/// One call in so many goes to a service that is not ours, where the company uses those.
const ELSEWHERE_EVERY: u64 = 3;

pub(super) struct Script {
    seed: u64,
    company: Company,
    /// Whether the company uses services that the server passes on.
    elsewhere: bool,
}

/// One call, ready to be signed.
pub(super) struct ScriptedCall {
    /// For the summary.
    pub(super) what: &'static str,
    pub(super) keys: Keys,
    pub(super) region: &'static str,
    pub(super) agent: &'static str,
    pub(super) request: Request,
}

impl Script {
    pub(super) fn new(seed: u64, company: Company, elsewhere: bool) -> Self {
        Self { seed, company, elsewhere }
    }

    /// The `n`-th call. The first ones of each account make its buckets.
    pub(super) fn call(&self, n: u64) -> ScriptedCall {
        let seed = self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(n);
        let (dice, _) = World::simulated(seed, Timestamp::UNIX_EPOCH);
        let accounts = self.company.accounts.len() as u64;
        if n < accounts * BUCKETS {
            let actor = self.founder((n % accounts) as usize);
            return call(actor, "CreateBucket", self.create_bucket(actor, n / accounts));
        }
        if dice.below(INTRUDER_EVERY) == 0 {
            return self.intrude(&dice);
        }
        let actor = &self.company.actors[dice.below(self.company.actors.len() as u64) as usize];
        let bucket = dice.below(BUCKETS);
        // No die is thrown where there is nothing to choose: the story without it stays what it was.
        if self.elsewhere && actor.manner != Manner::Newcomer && dice.below(ELSEWHERE_EVERY) == 0 {
            let (what, request) = elsewhere::call(actor, &self.company.accounts[actor.account].0, &dice);
            return call(actor, what, request);
        }
        match (actor.manner, dice.below(20)) {
            (Manner::Newcomer, 0..8) | (_, 0) => call(actor, "GetCallerIdentity", who_am_i()),
            (Manner::Newcomer, _) | (_, 1..3) => {
                call(actor, "ListBuckets", s3(Method::GET, "/".into(), "", Bytes::new()))
            }
            (Manner::Person, 3..7) | (Manner::Reader, 3..6) => call(actor, "LookupEvents", look_up()),
            (Manner::Person, 7) => call(actor, "ListUsers", own("ListUsers")),
            // A name of its own, so that it comes and goes.
            (Manner::Person, 8..11) => call(actor, "CreateBucket", self.create_bucket(actor, BUCKETS + bucket)),
            (Manner::Person, 11..13) => {
                let path = self.bucket(actor.account, BUCKETS + bucket);
                call(actor, "DeleteBucket", s3(Method::DELETE, path, "", Bytes::new()))
            }
            (Manner::Reader, 6) => {
                let path = self.bucket(actor.account, bucket);
                call(actor, "DeleteBucket", s3(Method::DELETE, path, "", Bytes::new()))
            }
            (Manner::Person, _) | (Manner::Reader, 7..12) => {
                let path = self.bucket(actor.account, bucket);
                call(actor, "GetBucketLocation", s3(Method::GET, path, "location=", Bytes::new()))
            }
            (Manner::Program, 3..12) => {
                let (path, size) = (self.object(actor.account, bucket, &dice), dice.below(4_000) as usize);
                let body = Bytes::from(vec![b'a' + (n % 26) as u8; size]);
                call(actor, "PutObject", s3(Method::PUT, path, "", body))
            }
            (Manner::Program, _) => {
                let path = self.object(actor.account, bucket, &dice);
                call(actor, "GetObject", s3(Method::GET, path, "", Bytes::new()))
            }
            (Manner::Reader, _) => {
                let path = self.bucket(actor.account, bucket);
                call(actor, "ListObjectsV2", s3(Method::GET, path, "list-type=2&max-keys=10", Bytes::new()))
            }
        }
    }

    /// Somebody without a right to be here.
    fn intrude(&self, dice: &World) -> ScriptedCall {
        let victim = &self.company.actors[dice.below(self.company.actors.len() as u64) as usize];
        let agent = "python-requests/2.32.5";
        let list = s3(Method::GET, "/".into(), "", Bytes::new());
        let with = |what, keys, request| ScriptedCall { what, keys, region: victim.region, agent, request };
        match dice.below(4) {
            0 => {
                let guess = dice.text(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/+", 40);
                with("intruder: wrong secret", Keys::new(victim.keys.access_key_id.clone(), guess), list)
            }
            1 => {
                let id = format!("AKIA{}", dice.text(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16));
                with("intruder: unknown key", Keys::new(id, "a-secret-found-somewhere"), list)
            }
            2 => with("intruder: disabled key", self.company.disabled.clone(), who_am_i()),
            _ => {
                // A stolen key of one account, tried on another's things.
                let stolen = self.founder(victim.account);
                let other = (victim.account + 1) % self.company.accounts.len();
                let path = self.bucket(other, dice.below(BUCKETS));
                let region = self.founder(other).region;
                let request = s3(Method::DELETE, path, "", Bytes::new());
                ScriptedCall { what: "intruder: another's bucket", keys: stolen.keys.clone(), region, agent, request }
            }
        }
    }

    /// The program of an account that makes its buckets.
    fn founder(&self, account: usize) -> &Actor {
        let found = self.company.actors.iter().find(|a| a.account == account && a.manner == Manner::Program);
        found.expect("every account has a program")
    }

    fn bucket(&self, account: usize, n: u64) -> String {
        format!("/{}-{n}", self.company.accounts[account].0)
    }

    fn object(&self, account: usize, bucket: u64, dice: &World) -> String {
        format!("{}/reports/2026/part-{:03}", self.bucket(account, bucket), dice.below(OBJECTS))
    }

    fn create_bucket(&self, actor: &Actor, n: u64) -> Request {
        let body = match actor.region {
            "us-east-1" => Bytes::new(),
            region => format!(
                "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>{region}\
                 </LocationConstraint></CreateBucketConfiguration>"
            )
            .into(),
        };
        s3(Method::PUT, self.bucket(actor.account, n), "", body)
    }
}

fn call(actor: &Actor, what: &'static str, request: Request) -> ScriptedCall {
    ScriptedCall { what, keys: actor.keys.clone(), region: actor.region, agent: actor.agent, request }
}

fn s3(method: Method, path: String, query: &str, body: Bytes) -> Request {
    Request { service: "s3", method, path, query: query.to_owned(), headers: Vec::new(), body }
}

fn look_up() -> Request {
    Request::json("cloudtrail", "CloudTrail_20131101.LookupEvents".into(), &json!({ "MaxResults": 10 }))
}

fn own(operation: &str) -> Request {
    Request::json("opentrail", format!("OpenTrail_20261101.{operation}"), &json!({}))
}

fn who_am_i() -> Request {
    Request {
        service: "sts",
        method: Method::POST,
        path: "/".into(),
        query: String::new(),
        headers: vec![("content-type", "application/x-www-form-urlencoded; charset=utf-8".into())],
        body: Bytes::from_static(b"Action=GetCallerIdentity&Version=2011-06-15"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(seed: u64, elsewhere: bool) -> Script {
        let actor = |account, manner| Actor {
            account,
            region: "us-east-1",
            agent: "a",
            manner,
            keys: Keys::new(format!("AKIA{account}"), "s"),
        };
        let manners = [Manner::Person, Manner::Program, Manner::Reader, Manner::Newcomer];
        let actors = (0..2).flat_map(|account| manners.map(|manner| actor(account, manner))).collect();
        let accounts = vec![("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())];
        Script::new(seed, Company { accounts, actors, disabled: Keys::new("AKIAOFF", "s") }, elsewhere)
    }

    #[test]
    fn the_same_seed_tells_the_same_story() {
        let story = |seed: u64| -> Vec<(String, String)> {
            let script = script(seed, false);
            (0..500).map(|n| script.call(n)).map(|c| (c.what.to_owned(), c.request.path)).collect()
        };
        assert_eq!(story(7), story(7));
        assert_ne!(story(7), story(8));
        for what in
            ["CreateBucket", "PutObject", "LookupEvents", "intruder: wrong secret", "intruder: another's bucket"]
        {
            assert!(story(7).iter().any(|(w, _)| w == what), "{what}");
        }
    }
    #[test]
    fn only_a_company_that_may_uses_what_is_not_ours() {
        let services = |elsewhere: bool| -> std::collections::BTreeSet<&'static str> {
            let script = script(7, elsewhere);
            (0..2000).map(|n| script.call(n).request.service).collect()
        };
        let own = ["cloudtrail", "opentrail", "s3", "sts"];
        assert_eq!(services(false).into_iter().collect::<Vec<_>>(), own);
        let more = ["cloudtrail", "dynamodb", "ec2", "opentrail", "s3", "secretsmanager", "ssm", "sts"];
        assert_eq!(services(true).into_iter().collect::<Vec<_>>(), more);
    }
}
