//! What event data stores may select, where it differs from trails.

use opentrail_event::Family;

use super::{advanced, field, of_data};
use crate::{AdvancedSelector, EventSelectors, For};

fn refused(selectors: &EventSelectors) -> Option<String> {
    selectors.check(For::EventDataStore).err().map(|error| error.0)
}

fn of(category: &str) -> AdvancedSelector {
    AdvancedSelector { name: None, fields: vec![field("eventCategory", &[("Equals", &[category])])] }
}

#[test]
fn the_default_takes_all_management_events() {
    let default = EventSelectors::default_for_event_data_store();
    assert_eq!((refused(&default), default.family()), (None, Some(Family::Events)));
}

#[test]
fn stores_look_at_management_events_more_closely_than_trails() {
    for (name, operators) in [
        ("eventName", vec![("StartsWith", &["Delete"] as &[&str])]),
        ("eventSource", vec![("Equals", &["sns.amazonaws.com"])]),
        ("eventType", vec![("NotEquals", &["AwsServiceEvent"])]),
        ("userIdentity.arn", vec![("NotStartsWith", &["arn:aws:sts::"])]),
        ("sessionCredentialFromConsole", vec![("Equals", &["true"])]),
    ] {
        let fields = vec![field("eventCategory", &[("Equals", &["Management"])]), field(name, &operators)];
        let selectors = advanced(fields);
        assert_eq!(refused(&selectors), None, "{name}");
        assert!(selectors.check(For::Trail).is_err(), "{name}");
    }
    let console = field("sessionCredentialFromConsole", &[("StartsWith", &["t"])]);
    let selectors = advanced(vec![field("eventCategory", &[("Equals", &["Management"])]), console]);
    let expect = "The operator StartsWith is not valid for the field sessionCredentialFromConsole.";
    assert_eq!(refused(&selectors).as_deref(), Some(expect));
}

#[test]
fn other_families_stand_alone_and_name_nothing_but_themselves() {
    for family in Family::ALL.into_iter().filter(|family| *family != Family::Events) {
        let alone = EventSelectors::Advanced(vec![of(family.as_str())]);
        assert_eq!((refused(&alone), alone.family()), (None, Some(family)));
        assert!(alone.check(For::Trail).is_err(), "{family:?}");
        assert_eq!(alone.compile(), EventSelectors::Advanced(Vec::new()).compile(), "the journal brings none");
        for pair in [[family.as_str(), "Management"], ["Management", family.as_str()], [family.as_str(); 2]] {
            let mixed = EventSelectors::Advanced(pair.map(of).to_vec());
            let expect =
                format!("Events of the category {} cannot be selected together with other ones.", family.as_str());
            assert_eq!(refused(&mixed), Some(expect));
        }
        let mut narrowed = of(family.as_str());
        narrowed.fields.push(field("readOnly", &[("Equals", &["true"])]));
        let expect = format!("The field readOnly is not valid for the eventCategory {}.", family.as_str());
        assert_eq!(refused(&EventSelectors::Advanced(vec![narrowed])), Some(expect));
    }
}

#[test]
fn the_three_categories_of_trails_may_stand_together_up_to_five() {
    let mut all: Vec<AdvancedSelector> = vec![of("Management")];
    let EventSelectors::Advanced(data) = of_data("AWS::S3::Object", vec![]) else { panic!("advanced") };
    all.extend(data);
    let mut network = of("NetworkActivity");
    network.fields.push(field("eventSource", &[("Equals", &["s3.amazonaws.com"])]));
    all.push(network);
    assert_eq!(refused(&EventSelectors::Advanced(all.clone())), None);
    all.extend([of("Management"), of("Management"), of("Management")]);
    let expect = "Specify between 1 and 5 selectors for your event data store.";
    assert_eq!(refused(&EventSelectors::Advanced(all)).as_deref(), Some(expect));
    assert!(refused(&EventSelectors::default_for_trail()).is_some(), "basic ones are for trails");
}
