//! EC2's records, of which there are two kinds.
//!
//! - Operations of the first years show lists as `{"instancesSet":{"items":[{"instanceId":"i-1"}]}}`, and answers in the same
//!   form with the request's id before them.
//! - Later ones show the request under a name of its own, as its form was:
//!   `{"DescribeFlowLogsRequest":{"FlowLogId":{"tag":1,"content":"fl-1"}}}`, and the answer as its XML was.
//!
//! Both are seen in real records; which operation is of which kind follows the version of the API that brought it.

mod classic;
mod modern;

use opentrail_event::RawJson;

use crate::model::shape::Member;
use crate::{Document, OperationModel, ServiceModel};

pub(crate) use modern::response_elements as modern_response_elements;

/// In place of a secret.
const REMOVED: &str = "<sensitiveDataRemoved>";

/// Secrets that the model does not mark: start-up scripts, and the value of ModifyInstanceAttribute, which may be one.
const SECRETS: &[&str] = &["KeyMaterial", "PasswordData", "UploadPolicySignature", "UserData"];

/// `requestParameters` of a call of EC2.
pub(super) fn request_parameters(
    service: &ServiceModel,
    operation: &OperationModel,
    input: &Document,
) -> Option<RawJson> {
    match is_classic(&operation.name) {
        true => classic::request_parameters(service, operation, input),
        false => modern::request_parameters(service, operation, input),
    }
}

/// `responseElements` of an operation of the first years. `request_id` and `done` are what stands in the answer beside its
/// members: whether it says `return`, and what.
pub(crate) fn classic_response_elements(
    service: &ServiceModel,
    operation: &OperationModel,
    output: &Document,
    request_id: Option<&str>,
    done: Option<bool>,
) -> Option<RawJson> {
    classic::response_elements(service, operation, output, request_id, done)
}

fn is_secret(service: &ServiceModel, operation: &str, member: &Member) -> bool {
    super::is_secret(service, member)
        || SECRETS.contains(&member.name)
        || (operation == "ModifyInstanceAttribute" && member.name == "Value")
}

/// Whether an operation came before the middle of 2015 (API versions up to 2015-03-01).
pub(crate) fn is_classic(operation: &str) -> bool {
    CLASSIC.binary_search(&operation).is_ok()
}

#[rustfmt::skip]
const CLASSIC: &[&str] = &[
    "AcceptVpcPeeringConnection", "AllocateAddress", "AssignPrivateIpAddresses", "AssociateAddress",
    "AssociateDhcpOptions", "AssociateRouteTable", "AttachClassicLinkVpc", "AttachInternetGateway",
    "AttachNetworkInterface", "AttachVolume", "AttachVpnGateway", "AuthorizeSecurityGroupEgress",
    "AuthorizeSecurityGroupIngress", "BundleInstance", "CancelBundleTask", "CancelConversionTask", "CancelExportTask",
    "CancelReservedInstancesListing", "CancelSpotFleetRequests", "CancelSpotInstanceRequests", "ConfirmProductInstance",
    "CopyImage", "CopySnapshot", "CreateCustomerGateway", "CreateDhcpOptions", "CreateImage", "CreateInstanceExportTask",
    "CreateInternetGateway", "CreateKeyPair", "CreateNetworkAcl", "CreateNetworkAclEntry", "CreateNetworkInterface",
    "CreatePlacementGroup", "CreateReservedInstancesListing", "CreateRoute", "CreateRouteTable", "CreateSecurityGroup",
    "CreateSnapshot", "CreateSpotDatafeedSubscription", "CreateSubnet", "CreateTags", "CreateVolume", "CreateVpc",
    "CreateVpcPeeringConnection", "CreateVpnConnection", "CreateVpnConnectionRoute", "CreateVpnGateway",
    "DeleteCustomerGateway", "DeleteDhcpOptions", "DeleteInternetGateway", "DeleteKeyPair", "DeleteNetworkAcl",
    "DeleteNetworkAclEntry", "DeleteNetworkInterface", "DeletePlacementGroup", "DeleteRoute", "DeleteRouteTable",
    "DeleteSecurityGroup", "DeleteSnapshot", "DeleteSpotDatafeedSubscription", "DeleteSubnet", "DeleteTags",
    "DeleteVolume", "DeleteVpc", "DeleteVpcPeeringConnection", "DeleteVpnConnection", "DeleteVpnConnectionRoute",
    "DeleteVpnGateway", "DeregisterImage", "DescribeAccountAttributes", "DescribeAddresses", "DescribeAvailabilityZones",
    "DescribeBundleTasks", "DescribeClassicLinkInstances", "DescribeConversionTasks", "DescribeCustomerGateways",
    "DescribeDhcpOptions", "DescribeExportTasks", "DescribeImageAttribute", "DescribeImages", "DescribeInstanceAttribute",
    "DescribeInstanceStatus", "DescribeInstances", "DescribeInternetGateways", "DescribeKeyPairs", "DescribeNetworkAcls",
    "DescribeNetworkInterfaceAttribute", "DescribeNetworkInterfaces", "DescribePlacementGroups", "DescribeRegions",
    "DescribeReservedInstances", "DescribeReservedInstancesListings", "DescribeReservedInstancesModifications",
    "DescribeReservedInstancesOfferings", "DescribeRouteTables", "DescribeSecurityGroups", "DescribeSnapshotAttribute",
    "DescribeSnapshots", "DescribeSpotDatafeedSubscription", "DescribeSpotInstanceRequests", "DescribeSpotPriceHistory",
    "DescribeSubnets", "DescribeTags", "DescribeVolumeAttribute", "DescribeVolumeStatus", "DescribeVolumes",
    "DescribeVpcAttribute", "DescribeVpcClassicLink", "DescribeVpcPeeringConnections", "DescribeVpcs",
    "DescribeVpnConnections", "DescribeVpnGateways", "DetachClassicLinkVpc", "DetachInternetGateway",
    "DetachNetworkInterface", "DetachVolume", "DetachVpnGateway", "DisableVgwRoutePropagation", "DisableVpcClassicLink",
    "DisassociateAddress", "DisassociateRouteTable", "EnableVgwRoutePropagation", "EnableVolumeIO",
    "EnableVpcClassicLink", "GetConsoleOutput", "GetPasswordData", "ImportInstance", "ImportKeyPair", "ImportVolume",
    "ModifyImageAttribute", "ModifyInstanceAttribute", "ModifyNetworkInterfaceAttribute", "ModifyReservedInstances",
    "ModifySnapshotAttribute", "ModifySubnetAttribute", "ModifyVolumeAttribute", "ModifyVpcAttribute", "MonitorInstances",
    "PurchaseReservedInstancesOffering", "RebootInstances", "RegisterImage", "RejectVpcPeeringConnection",
    "ReleaseAddress", "ReplaceNetworkAclAssociation", "ReplaceNetworkAclEntry", "ReplaceRoute",
    "ReplaceRouteTableAssociation", "ReportInstanceStatus", "RequestSpotFleet", "RequestSpotInstances",
    "ResetImageAttribute", "ResetInstanceAttribute", "ResetNetworkInterfaceAttribute", "ResetSnapshotAttribute",
    "RevokeSecurityGroupEgress", "RevokeSecurityGroupIngress", "RunInstances", "StartInstances", "StopInstances",
    "TerminateInstances", "UnassignPrivateIpAddresses", "UnmonitorInstances",
];

#[cfg(test)]
mod tests;
