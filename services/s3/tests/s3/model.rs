//! Whatever is done in whatever order, the store is what a map of keys and bodies says.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::door::{House, delete, get, put, run};
use crate::uploads::{begin, complete, put_part};

#[derive(Debug, Clone)]
enum Step {
    Put { key: u8, bytes: usize },
    Upload { key: u8, bytes: usize, unnamed: bool, abort: bool },
    Copy { from: u8, to: u8 },
    Delete { key: u8 },
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let key = 0..4_u8;
    let bytes = prop_oneof![Just(0_usize), 1..50_usize, 5_000..9_000_usize];
    prop_oneof![
        3 => (key.clone(), bytes.clone()).prop_map(|(key, bytes)| Step::Put { key, bytes }),
        4 => (key.clone(), bytes, any::<bool>(), any::<bool>())
            .prop_map(|(key, bytes, unnamed, abort)| Step::Upload { key, bytes, unnamed, abort }),
        3 => (key.clone(), key.clone()).prop_map(|(from, to)| Step::Copy { from, to }),
        2 => key.prop_map(|key| Step::Delete { key }),
        1 => Just(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn the_store_is_what_a_map_says(steps in proptest::collection::vec(step(), 1..30)) {
        let mut house = House::with_bucket();
        let mut model = BTreeMap::<u8, Vec<u8>>::new();
        for (at, step) in steps.into_iter().enumerate() {
            let fill = at as u8;
            match step {
                Step::Put { key, bytes } => {
                    house.ok(&put(format!("/bkt/{key}")).body(vec![fill; bytes]));
                    model.insert(key, vec![fill; bytes]);
                }
                Step::Upload { key, bytes, unnamed, abort } => {
                    let name = key.to_string();
                    let id = begin(&house, &name);
                    let etag = put_part(&house, &name, &id, 2, vec![fill; bytes]);
                    if unnamed {
                        put_part(&house, &name, &id, 1, vec![0; 6_000]);
                    }
                    if abort {
                        house.ok(&delete(format!("/bkt/{name}?uploadId={id}")));
                    } else {
                        house.ok(&complete(&name, &id, &[(2, &etag)]));
                        model.insert(key, vec![fill; bytes]);
                    }
                }
                Step::Copy { from, to } => {
                    let ask = put(format!("/bkt/{to}")).header("x-amz-copy-source", format!("bkt/{from}"));
                    let ask = ask.header("x-amz-metadata-directive", "REPLACE");
                    match (run(house.call(&ask)), model.get(&from).cloned()) {
                        (Ok(_), Some(body)) => drop(model.insert(to, body)),
                        (Err(fault), None) => prop_assert_eq!(fault.code, "NoSuchKey"),
                        (seen, expected) => prop_assert!(false, "{:?} and {:?}", seen, expected),
                    }
                }
                Step::Delete { key } => {
                    house.ok(&delete(format!("/bkt/{key}")));
                    model.remove(&key);
                }
                Step::Restart => house = house.restart_swept(at as u64 + 2),
            }
        }
        let keys: Vec<String> = model.keys().map(u8::to_string).collect();
        prop_assert_eq!(house.ok(&get("/bkt")).all("Key"), keys);
        for (key, body) in &model {
            let seen = house.ok(&get(format!("/bkt/{key}")));
            prop_assert_eq!(&seen.body[..], &body[..]);
        }
        let large = model.values().filter(|body| body.len() > 4096).count();
        prop_assert_eq!(house.blobs.names().len(), large);
        prop_assert!(house.ok(&get("/bkt?uploads")).all("UploadId").is_empty());
    }
}
