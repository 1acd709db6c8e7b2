//! XML of answers and bodies.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::Atlas;

static ATLAS: LazyLock<Atlas> = LazyLock::new(Atlas::builtin);

fn answer(service: &str, operation: &str, body: &str) -> Option<Document> {
    let model = ATLAS.service(service).expect("a known service");
    let output = model.operation(operation).expect("a known operation").output.expect("an output");
    decode_answer(&model, operation, output, body.as_bytes())
}

fn texts(texts: &[&str]) -> Document {
    Document::List(texts.iter().map(|&text| Document::from(text)).collect())
}

#[test]
fn envelopes_lists_and_maps_are_read() {
    let user = Document::structure().with("UserName", "u").with("Path", "/");
    assert_eq!(
        answer(
            "iam",
            "CreateUser",
            "<CreateUserResponse><CreateUserResult><User><UserName>u</UserName><Path>/</Path></User></CreateUserResult><ResponseMetadata/></CreateUserResponse>"
        ),
        Some(Document::structure().with("User", user))
    );
    let group = |id: &str| Document::structure().with("GroupId", id);
    assert_eq!(
        answer(
            "ec2",
            "RunInstances",
            "<RunInstancesResponse><requestId>r</requestId><ownerId>1</ownerId><groupSet><item><groupId>a</groupId></item><item><groupId>b</groupId></item></groupSet></RunInstancesResponse>"
        ),
        Some(Document::structure().with("OwnerId", "1").with("Groups", vec![group("a"), group("b")]))
    );
    assert_eq!(
        answer(
            "rds",
            "DescribeAccountAttributes",
            "<R><DescribeAccountAttributesResult><AccountQuotas/><Unknown><x/></Unknown></DescribeAccountAttributesResult></R>"
        ),
        Some(Document::structure().with("AccountQuotas", Vec::<Document>::new()))
    );
    assert_eq!(
        answer(
            "autoscaling",
            "DescribeAdjustmentTypes",
            "<R><DescribeAdjustmentTypesResult><AdjustmentTypes><member><AdjustmentType>a</AdjustmentType></member></AdjustmentTypes></DescribeAdjustmentTypesResult></R>"
        ),
        Some(Document::structure().with("AdjustmentTypes", vec![Document::structure().with("AdjustmentType", "a")]))
    );
    assert_eq!(
        answer("cloudfront", "CreateInvalidation", "<Invalidation><Id>i</Id></Invalidation>").map(|_| ()),
        Some(())
    );
    let model = ATLAS.service("cloudfront").expect("cloudfront");
    let input = model.operation("CreateInvalidation").expect("an operation").input.expect("an input");
    let batch = match &model.shape(input).kind {
        Kind::Structure(members) => members.iter().find(|m| m.payload).expect("a payload").shape,
        _ => panic!("a structure"),
    };
    let body = b"<InvalidationBatch><Paths><Quantity>2</Quantity><Items><Path>/a</Path><Path>/b</Path></Items></Paths><CallerReference>c</CallerReference></InvalidationBatch>";
    let paths = Document::structure().with("Quantity", 2_i64).with("Items", texts(&["/a", "/b"]));
    assert_eq!(
        decode(&model, batch, body),
        Some(Document::structure().with("Paths", paths).with("CallerReference", "c"))
    );
}

#[test]
fn what_is_no_xml_is_refused_and_what_does_not_fit_left_out() {
    assert_eq!(answer("iam", "CreateUser", "{}"), None);
    assert_eq!(answer("iam", "CreateUser", "<!DOCTYPE a><a/>"), None);
    assert_eq!(answer("iam", "CreateUser", &"<a>".repeat(1000)), None);
    assert_eq!(
        answer("ec2", "RunInstances", "<R><ownerId><deep/></ownerId><groupSet>text</groupSet><x>1</x></R>"),
        Some(Document::structure().with("OwnerId", "").with("Groups", Vec::<Document>::new()))
    );
}

proptest! {
    #[test]
    fn no_text_panics(body in r"(</?[a-cU]{1,2}/?>|[ -~]){0,40}") {
        let _ = answer("iam", "CreateUser", &body);
        let _ = answer("ec2", "DescribeInstances", &body);
    }
}
