//! Calls of EC2 as real records show them.

use super::*;
use crate::query::{self, parse_form};
use crate::{Atlas, markup};

fn parameters(operation: &str, form: &str) -> Option<String> {
    let model = Atlas::builtin().service("ec2").expect("ec2");
    let operation = model.operation(operation).expect("a known operation");
    let form = parse_form(form.as_bytes()).expect("a form");
    let input = query::decode(&model, operation, &form).expect("it fits");
    let json = crate::request_parameters(&model, operation, &input)?;
    Some(String::from_utf8(json.as_bytes().to_vec()).expect("UTF-8"))
}

#[test]
fn the_list_of_classic_operations_is_in_order_and_known() {
    assert!(CLASSIC.is_sorted());
    let model = Atlas::builtin().service("ec2").expect("ec2");
    for name in CLASSIC {
        assert!(model.operation(name).is_some(), "EC2 has no {name}");
    }
}

#[test]
fn requests_are_spelled_as_in_records() {
    let check = |operation: &str, form: &str, expect: &str| {
        assert_eq!(parameters(operation, form).as_deref(), Some(expect), "{operation} {form}");
    };
    check(
        "TerminateInstances",
        "InstanceId.1=i-1&InstanceId.2=i-2",
        r#"{"instancesSet":{"items":[{"instanceId":"i-1"},{"instanceId":"i-2"}]}}"#,
    );
    check(
        "RunInstances",
        "ImageId=ami-1&MinCount=1&MaxCount=2&KeyName=k&SecurityGroupId.1=sg-1&InstanceType=t2.micro&BlockDeviceMapping.1.DeviceName=/dev/sdb&BlockDeviceMapping.1.Ebs.VolumeSize=8&Monitoring.Enabled=false&UserData=aHVzaA==",
        r#"{"instancesSet":{"items":[{"imageId":"ami-1","minCount":1,"maxCount":2,"keyName":"k"}]},"groupSet":{"items":[{"groupId":"sg-1"}]},"instanceType":"t2.micro","blockDeviceMapping":{"items":[{"deviceName":"/dev/sdb","ebs":{"volumeSize":8}}]},"monitoring":{"enabled":false},"userData":"<sensitiveDataRemoved>"}"#,
    );
    check(
        "AuthorizeSecurityGroupIngress",
        "GroupId=sg-1&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=443&IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0",
        r#"{"groupId":"sg-1","ipPermissions":{"items":[{"ipProtocol":"tcp","fromPort":443,"ipRanges":{"items":[{"cidrIp":"0.0.0.0/0"}]},"groups":{},"ipv6Ranges":{},"prefixListIds":{}}]}}"#,
    );
    check(
        "RevokeSecurityGroupIngress",
        "GroupId=sg-1&CidrIp=0.0.0.0/0",
        r#"{"groupId":"sg-1","cidrIp":"0.0.0.0/0","ipPermissions":{}}"#,
    );
    check(
        "ModifySnapshotAttribute",
        "SnapshotId=snap-1&Attribute=createVolumePermission&CreateVolumePermission.Add.1.UserId=1",
        r#"{"snapshotId":"snap-1","attributeType":"CREATE_VOLUME_PERMISSION","createVolumePermission":{"add":{"items":[{"userId":"1"}]}}}"#,
    );
    check(
        "CreateTags",
        "ResourceId.1=i-1&Tag.1.Key=k&Tag.1.Value=v",
        r#"{"resourcesSet":{"items":[{"resourceId":"i-1"}]},"tagSet":{"items":[{"key":"k","value":"v"}]}}"#,
    );
    check(
        "CreateVpc",
        "CidrBlock=10.0.0.0/16&TagSpecification.1.ResourceType=vpc&TagSpecification.1.Tag.1.Key=k&TagSpecification.1.Tag.1.Value=v",
        r#"{"cidrBlock":"10.0.0.0/16","tagSpecificationSet":{"items":[{"resourceType":"vpc","tags":[{"key":"k","value":"v"}]}]}}"#,
    );
    check(
        "DescribeVpcs",
        "Filter.1.Name=state&Filter.1.Value.1=available",
        r#"{"filterSet":{"items":[{"name":"state","valueSet":{"items":[{"value":"available"}]}}]},"vpcSet":{}}"#,
    );
    check(
        "DescribeFlowLogs",
        "FlowLogId.1=fl-1",
        r#"{"DescribeFlowLogsRequest":{"FlowLogId":{"tag":1,"content":"fl-1"}}}"#,
    );
    check(
        "CreateNatGateway",
        "SubnetId=s&TagSpecification.1.ResourceType=natgateway&TagSpecification.1.Tag.1.Key=k&TagSpecification.1.Tag.1.Value=true&TagSpecification.1.Tag.2.Key=l&TagSpecification.1.Tag.2.Value=v",
        r#"{"CreateNatGatewayRequest":{"SubnetId":"s","TagSpecification":{"ResourceType":"natgateway","Tag":[{"Key":"k","Value":true,"tag":1},{"Key":"l","Value":"v","tag":2}],"tag":1}}}"#,
    );
    check("CreateDefaultVpc", "", r#"{"CreateDefaultVpcRequest":""}"#);
}

#[test]
fn sizes_of_volumes_are_texts_and_addresses_of_interfaces_are_no_items() {
    let model = Atlas::builtin().service("ec2").expect("ec2");
    let check = |operation: &str, inside: &str, expect: &str| {
        let operation = model.operation(operation).expect("an operation");
        let body = format!("<R>{inside}</R>");
        let output = operation.output.expect("an output");
        let answer = markup::decode_answer(&model, &operation.name, output, body.as_bytes()).expect("XML");
        let written = classic_response_elements(&model, operation, &answer, None, None).expect("elements");
        assert_eq!(String::from_utf8_lossy(written.as_bytes()), expect);
    };
    check("CreateVolume", "<size>8</size>", r#"{"size":"8"}"#);
    check("CreateSnapshot", "<volumeSize>8</volumeSize>", r#"{"volumeSize":"8"}"#);
    check(
        "CreateNetworkInterface",
        "<networkInterface><privateIpAddressesSet><item><primary>true</primary></item></privateIpAddressesSet></networkInterface>",
        r#"{"networkInterface":{"privateIpAddressesSet":{"item":[{"primary":true}]}}}"#,
    );
}

#[test]
fn answers_are_spelled_as_in_records() {
    let model = Atlas::builtin().service("ec2").expect("ec2");
    let operation = model.operation("RunInstances").expect("an operation");
    let body = "<RunInstancesResponse><requestId>r</requestId><reservationId>r-1</reservationId><ownerId>111122223333</ownerId><groupSet/><instancesSet><item><instanceId>i-1</instanceId><instanceState><code>0</code><name>pending</name></instanceState><launchTime>2016-05-21T16:44:34.000Z</launchTime></item></instancesSet></RunInstancesResponse>";
    let output = operation.output.expect("an output");
    let answer = markup::decode_answer(&model, &operation.name, output, body.as_bytes()).expect("XML");
    let written = classic_response_elements(&model, operation, &answer, Some("r"), Some(true)).expect("elements");
    assert_eq!(
        String::from_utf8_lossy(written.as_bytes()),
        r#"{"requestId":"r","_return":true,"reservationId":"r-1","ownerId":"111122223333","groupSet":{},"instancesSet":{"items":[{"instanceId":"i-1","instanceState":{"code":0,"name":"pending"},"launchTime":1463849074000}]}}"#
    );
    let body = "<DeleteFlowLogsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId><unsuccessful/><keyMaterial>hush</keyMaterial></DeleteFlowLogsResponse>";
    let written = modern_response_elements(body.as_bytes()).expect("elements");
    assert_eq!(
        String::from_utf8_lossy(written.as_bytes()),
        r#"{"DeleteFlowLogsResponse":{"xmlns":"http://ec2.amazonaws.com/doc/2016-11-15/","requestId":"r","unsuccessful":"","keyMaterial":"<sensitiveDataRemoved>"}}"#
    );
}
