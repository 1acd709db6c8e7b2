//! Selectors as they are put and got.

use super::*;

#[test]
fn selectors_are_put_and_got() {
    let house = house();
    house.make("one", json!({}));
    let get = || house.call("GetEventSelectors", &json!({"TrailName": "one"}));
    let default = json!([{
        "ReadWriteType": "All", "IncludeManagementEvents": true, "DataResources": [], "ExcludeManagementEventSources": []
    }]);
    assert_eq!(get(), json!({"TrailARN": arn("us-east-1", "one"), "EventSelectors": default}));

    let data = json!([{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::logs/"]}]);
    let basic = json!([{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": false, "DataResources": data}]);
    let put = house.done("PutEventSelectors", &json!({"TrailName": arn("us-east-1", "one"), "EventSelectors": basic}));
    let mut echoed = basic.clone();
    echoed[0]["ExcludeManagementEventSources"] = json!([]);
    let expect = json!({"TrailARN": arn("us-east-1", "one"), "EventSelectors": echoed});
    assert_eq!(put.answer, Ok(expect.clone()));
    assert_eq!(put.elements["eventSelectors"][0]["dataResources"][0]["type"], "AWS::S3::Object");
    assert_eq!(put.parameters["trailName"], arn("us-east-1", "one"));
    assert_eq!(get(), expect);
    assert_eq!(house.call("GetTrail", &json!({"Name": "one"}))["Trail"]["HasCustomEventSelectors"], true);

    let fields = |order: [usize; 3]| {
        let all = [
            json!({"Field": "resources.type", "Equals": ["AWS::S3::Object"]}),
            json!({"Field": "eventCategory", "Equals": ["Data"]}),
            json!({"Field": "resources.ARN", "StartsWith": ["arn:aws:s3:::logs/"]}),
        ];
        Value::from_iter(order.map(|i| all[i].clone()))
    };
    let advanced = |order| {
        json!([
            {"Name": "objects", "FieldSelectors": fields(order)},
            {"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]},
        ])
    };
    let input = json!({"TrailName": "one", "AdvancedEventSelectors": advanced([0, 1, 2])});
    let put = house.call("PutEventSelectors", &input);
    assert_eq!(put["AdvancedEventSelectors"], advanced([0, 1, 2]), "in the order given");
    let got = get();
    assert_eq!(got["AdvancedEventSelectors"], advanced([1, 2, 0]), "by name");
    assert_eq!(got.get("EventSelectors"), None);
}

#[test]
fn wrong_selectors_leave_the_old_ones() {
    let house = house();
    house.make("one", json!({}));
    let basic = json!([{"ReadWriteType": "ReadOnly"}]);
    house.call("PutEventSelectors", &json!({"TrailName": "one", "EventSelectors": basic}));
    let management = json!([{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}]);
    for (input, message) in [
        (
            json!({"EventSelectors": basic, "AdvancedEventSelectors": management}),
            "You can select events by using either EventSelectors or AdvancedEventSelectors, but not both.",
        ),
        (json!({"EventSelectors": []}), "Specify a valid number of selectors (1 to 5) for your trail"),
        (json!({}), "Specify a valid number of selectors (1 to 5) for your trail"),
        (json!({"AdvancedEventSelectors": []}), "Specify between 1 and 500 selectors for your trail."),
        (json!({"EventSelectors": [{"ReadWriteType": "read-only"}]}), "Value read-only for ReadWriteType is invalid."),
    ] {
        let mut input = input;
        input["TrailName"] = json!("one");
        let fault = house.fault("PutEventSelectors", &input);
        assert_eq!(fault, ("InvalidEventSelectorsException".into(), message.into()), "{input}");
    }
    let got = house.call("GetEventSelectors", &json!({"TrailName": "one"}));
    assert_eq!(got["EventSelectors"][0]["ReadWriteType"], "ReadOnly");
}
