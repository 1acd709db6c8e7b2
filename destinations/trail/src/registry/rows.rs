//! How trails are stored.
//!
//! | key | record |
//! |---|---|
//! | `trail/name` account, home region, name | [`NameRow`]: which trail has the name; goes with the trail's deletion |
//! | `trail/revision` id, number | [`RevisionRow`]: a trail as of one revision; written once, never changed |
//! | `trail/parting` id, number | [`PartingRow`]: the call that made this revision, until its record has come by |
//!
//! The newest revision of each trail that is left is what the trail is. Older ones stay until the follower has come to
//! where the next one begins; those of a deleted trail until its digest chain has ended.

use opentrail_catalog::{Damaged, Key, Stored};
use opentrail_event::{AccountId, Region};
use opentrail_journal::{Partition, Positions};

use crate::Trail;

pub(super) use v1::{NameRow, PartingRow, RevisionRow};

/// Version 1.
mod v1 {
    use std::collections::BTreeMap;

    use opentrail_event::{AccountId, Region};
    use opentrail_selector::EventSelectors;
    use serde::{Deserialize, Serialize};

    use crate::{Config, Logging};

    /// `{"id": "32 hexadecimal digits"}`
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub(crate) struct NameRow {
        pub id: String,
    }

    /// `{"request_id": "requestID of the call's record"}`
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub(crate) struct PartingRow {
        pub request_id: String,
    }

    /// The members of a [`Trail`](crate::Trail) that its key does not say; `from` as pairs of partition and offset.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub(crate) struct RevisionRow {
        pub account: AccountId,
        pub name: String,
        pub home: Region,
        pub config: Config,
        pub selectors: Option<EventSelectors>,
        pub logging: Option<Logging>,
        pub started_s: Option<i64>,
        pub stopped_s: Option<i64>,
        pub tags: BTreeMap<String, String>,
        pub deleted: bool,
        pub from: Vec<(u32, u64)>,
    }
}

impl Stored for NameRow {
    const NAME: &'static str = "name of a trail";
    const VERSION: u16 = 1;
}

impl Stored for PartingRow {
    const NAME: &'static str = "parting of a trail";
    const VERSION: u16 = 1;
}

impl Stored for RevisionRow {
    const NAME: &'static str = "revision of a trail";
    const VERSION: u16 = 1;
}

/// Where the name of a trail is taken.
pub(super) fn name_key(account: AccountId, home: &Region, name: &str) -> Key {
    Key::family("trail/name").part(account.as_str()).part(home.as_str()).part(name)
}

/// All revisions of all trails.
pub(super) fn revisions() -> Key {
    Key::family("trail/revision")
}

/// One revision.
pub(super) fn revision_key(id: &str, revision: u64) -> Key {
    revisions().part(id).number(revision)
}

/// All calls whose records trails wait for.
pub(super) fn partings() -> Key {
    Key::family("trail/parting")
}

/// The call that made one revision.
pub(crate) fn parting_key(id: &str, revision: u64) -> Key {
    partings().part(id).number(revision)
}

/// Which revision of which trail a key of [`revisions`] or [`partings`] names.
pub(super) fn revision_of(key: &Key) -> Option<(String, u64)> {
    let [id, number] = <[Vec<u8>; 2]>::try_from(key.parts()?).ok()?;
    Some((String::from_utf8(id).ok()?, u64::from_be_bytes(number.try_into().ok()?)))
}

/// What is stored of a trail.
pub(super) fn to_row(trail: &Trail) -> RevisionRow {
    let trail = trail.clone();
    RevisionRow {
        account: trail.account,
        name: trail.name,
        home: trail.home,
        config: trail.config,
        selectors: trail.selectors,
        logging: trail.logging,
        started_s: trail.started_s,
        stopped_s: trail.stopped_s,
        tags: trail.tags,
        deleted: trail.deleted,
        from: trail.from.0.into_iter().map(|(Partition(partition), offset)| (partition, offset)).collect(),
    }
}

/// The trail of a stored row and its key.
pub(super) fn from_row(key: &Key, row: RevisionRow) -> Result<Trail, Damaged> {
    let damaged = || Damaged { name: RevisionRow::NAME, why: format!("its key {key:?} is not that of a revision") };
    let (id, revision) = revision_of(key).ok_or_else(damaged)?;
    Ok(Trail {
        id,
        revision,
        account: row.account,
        name: row.name,
        home: row.home,
        config: row.config,
        selectors: row.selectors,
        logging: row.logging,
        started_s: row.started_s,
        stopped_s: row.stopped_s,
        tags: row.tags,
        deleted: row.deleted,
        from: Positions(row.from.into_iter().map(|(partition, offset)| (Partition(partition), offset)).collect()),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use opentrail_catalog::{decode, encode};
    use opentrail_selector::{AdvancedSelector, BasicSelector, DataResource, EventSelectors, FieldSelector, ReadWrite};

    use super::*;
    use crate::{Config, Logging};

    fn full() -> Trail {
        Trail {
            id: "00112233445566778899aabbccddeeff".into(),
            revision: 258,
            account: "111111111111".parse().unwrap(),
            name: "management".into(),
            home: Region::us_east_1(),
            config: Config {
                bucket: "logs".into(),
                prefix: Some("team/a".into()),
                include_global_service_events: true,
                multi_region: true,
                log_file_validation: true,
                recursive_logging: false,
            },
            selectors: Some(EventSelectors::Basic(vec![BasicSelector {
                read_write: ReadWrite::WriteOnly,
                include_management: true,
                data_resources: vec![DataResource {
                    kind: "AWS::S3::Object".into(),
                    values: vec!["arn:aws:s3:::b/".into()],
                }],
                exclude_sources: vec!["kms.amazonaws.com".into()],
            }])),
            logging: Some(Logging { chain_started_s: 1_700_000_000, run: 7 }),
            started_s: Some(1_700_000_000),
            stopped_s: Some(1_600_000_000),
            tags: [("team".to_owned(), "a".to_owned())].into(),
            deleted: false,
            from: Positions(BTreeMap::from([(Partition(0), 17), (Partition(3), 4)])),
        }
    }

    #[test]
    fn version_1_is_read_for_ever() {
        let name = b"\0\x01{\"id\":\"00112233445566778899aabbccddeeff\"}";
        assert_eq!(decode::<NameRow>(name).unwrap().id, full().id);
        let parting = b"\0\x01{\"request_id\":\"0a1b\"}";
        assert_eq!(encode(&PartingRow { request_id: "0a1b".into() }), &parting[..]);
        assert_eq!(decode::<PartingRow>(parting).unwrap().request_id, "0a1b");

        let revision = concat!(
            "\0\x01{\"account\":\"111111111111\",\"name\":\"management\",\"home\":\"us-east-1\",\"config\":{\"bucket\":\"logs\",",
            "\"prefix\":\"team/a\",\"include_global_service_events\":true,\"multi_region\":true,\"log_file_validation\":true,",
            "\"recursive_logging\":false},\"selectors\":{\"basic\":[{\"read_write\":\"write_only\",",
            "\"include_management\":true,\"data_resources\":[{\"kind\":\"AWS::S3::Object\",\"values\":[\"arn:aws:s3:::b/\"]}],",
            "\"exclude_sources\":[\"kms.amazonaws.com\"]}]},\"logging\":{\"chain_started_s\":1700000000,\"run\":7},",
            "\"started_s\":1700000000,\"stopped_s\":1600000000,\"tags\":{\"team\":\"a\"},\"deleted\":false,",
            "\"from\":[[0,17],[3,4]]}",
        );
        let key = revision_key(&full().id, 258);
        assert_eq!(from_row(&key, decode(revision.as_bytes()).unwrap()).unwrap(), full());
        assert_eq!(encode(&to_row(&full())), revision.as_bytes());
    }

    #[test]
    fn version_1_holds_advanced_selectors() {
        let fields = vec![FieldSelector {
            field: "eventCategory".into(),
            equals: vec!["Data".into()],
            not_ends_with: vec!["x".into()],
            ..Default::default()
        }];
        let advanced = EventSelectors::Advanced(vec![AdvancedSelector { name: Some("n".into()), fields }]);
        let json = concat!(
            r#"{"advanced":[{"name":"n","fields":[{"field":"eventCategory","equals":["Data"],"starts_with":[],"#,
            r#""ends_with":[],"not_equals":[],"not_starts_with":[],"not_ends_with":["x"]}]}]}"#,
        );
        assert_eq!(serde_json::to_string(&advanced).unwrap(), json);
        assert_eq!(serde_json::from_str::<EventSelectors>(json).unwrap(), advanced);
    }

    #[test]
    fn a_key_that_is_no_revision_is_damage() {
        let row = to_row(&full());
        for key in [revisions().part("a"), revisions().part("a").part("b"), name_key(full().account, &full().home, "n")]
        {
            assert!(from_row(&key, row.clone()).is_err(), "{key:?}");
        }
    }
}
