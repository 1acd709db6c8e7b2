//! The operations of the first years: sets of items.

use opentrail_event::{RawJson, write_text};

use super::{REMOVED, is_secret};
use crate::json::{separate, write_plain};
use crate::model::shape::{Kind, Member};
use crate::query::form_name;
use crate::render::lower_first;
use crate::{Document, OperationModel, ServiceModel};

/// How a list of a request is called, and its elements where they are texts: (in the form, the set, an element).
#[rustfmt::skip]
const SETS: &[(&str, &str, &str)] = &[
    ("AllocationId", "allocationIdsSet", "allocationId"),
    ("AttributeName", "accountAttributeNameSet", "attributeName"),
    ("BlockDeviceMapping", "blockDeviceMapping", "item"),
    ("BundleId", "bundlesSet", "bundleId"),
    ("CustomerGatewayId", "customerGatewaySet", "customerGatewayId"),
    ("DhcpOptionsId", "dhcpOptionsSet", "dhcpOptionsId"),
    ("ExecutableBy", "executableBySet", "user"),
    ("GroupId", "securityGroupIdSet", "groupId"),
    ("GroupName", "securityGroupSet", "groupName"),
    ("ImageId", "imagesSet", "imageId"),
    ("InstanceId", "instancesSet", "instanceId"),
    ("IpPermissions", "ipPermissions", "item"),
    ("KeyName", "keySet", "keyName"),
    ("Owner", "ownersSet", "owner"),
    ("PrivateIpAddress", "privateIpAddressesSet", "privateIpAddress"),
    ("PrivateIpAddresses", "privateIpAddressesSet", "item"),
    ("PublicIp", "publicIpsSet", "publicIp"),
    ("RegionName", "regionSet", "regionName"),
    ("ResourceId", "resourcesSet", "resourceId"),
    ("RestorableBy", "sharedUsersSet", "user"),
    ("SecurityGroup", "groupSet", "groupName"),
    ("SecurityGroupId", "groupSet", "groupId"),
    ("SnapshotId", "snapshotSet", "snapshotId"),
    ("SubnetId", "subnetSet", "subnetId"),
    ("TagSpecification", "tagSpecificationSet", "item"),
    ("VolumeId", "volumeSet", "volumeId"),
    ("VpcId", "vpcSet", "vpcId"),
    ("VpnConnectionId", "vpnConnectionSet", "vpnConnectionId"),
    ("VpnGatewayId", "vpnGatewaySet", "vpnGatewayId"),
    ("ZoneId", "availabilityZoneIdSet", "zoneId"),
    ("ZoneName", "availabilityZoneSet", "zoneName"),
];

/// Single members that are called otherwise: (operation, in the form, in records).
const RENAMED: &[(&str, &str, &str)] = &[
    ("CreateVolume", "AvailabilityZone", "zone"),
    ("CreateNetworkAclEntry", "Protocol", "aclProtocol"),
    ("CreateNetworkAclEntry", "Icmp", "icmpTypeCode"),
    ("ModifyImageAttribute", "Attribute", "attributeType"),
    ("ModifySnapshotAttribute", "Attribute", "attributeType"),
];

/// The same of answers.
const RENAMED_ANSWERS: &[(&str, &str, &str)] = &[("CreateVolume", "availabilityZone", "zone")];

/// Sets of calls that change something which are shown even if nobody filled them: (in the operation's name, in the form).
const ALWAYS: &[(&str, &str)] = &[
    ("SecurityGroupEgress", "IpPermissions"),
    ("SecurityGroupIngress", "IpPermissions"),
    ("RunInstances", "BlockDeviceMapping"),
    ("CreateNetworkInterface", "SecurityGroupId"),
    ("CreateNetworkInterface", "PrivateIpAddresses"),
];

/// A request's elements of these sets show the sets within them, filled or not.
const WITH_EMPTY_SETS: [&str; 1] = ["ipPermissions"];

/// Numbers that are shown as texts: the sizes of volumes. (operation, in records)
const NUMBERS_AS_TEXTS: &[(&str, &str)] = &[("CreateVolume", "size"), ("CreateSnapshot", "volumeSize")];

/// Where an instance shall stand, which RunInstances shows beside its other parameters.
const PLACEMENT: &str = "Placement";

/// Security groups by id and by name: one set, whichever came.
const GROUPS: [&str; 2] = ["SecurityGroupIds", "SecurityGroups"];

/// What RunInstances shows of each instance to be.
const OF_INSTANCES: [&str; 4] = ["ImageId", "MinCount", "MaxCount", "KeyName"];

/// Lists of lists' members, whose name is that of a set too.
const INNER_SETS: &[(&str, &str, &str)] = &[("SecurityGroupId", "groupSet", "groupId"), ("Value", "valueSet", "value")];

pub(super) fn request_parameters(
    service: &ServiceModel,
    operation: &OperationModel,
    input: &Document,
) -> Option<RawJson> {
    let shape = service.shape(operation.input?);
    let (Kind::Structure(members), Document::Map(values)) = (&shape.kind, input) else { return None };
    let writing = Writing { service, operation: &operation.name, answers: false };
    let mut out = vec![b'{'];
    let mut first = true;
    let run = operation.name == *"RunInstances";
    if run {
        let of_instances = |(name, _): &&(String, Document)| OF_INSTANCES.contains(&name.as_str());
        let instance: Vec<_> = values.iter().filter(of_instances).cloned().collect();
        separate(&mut out, &mut first);
        out.extend_from_slice(b"\"instancesSet\":{\"items\":[");
        writing.structure(&mut out, members, &instance);
        out.extend_from_slice(b"]}");
    }
    for (name, value) in values {
        let Some(member) = members.iter().find(|m| m.name == name) else { continue };
        if (run && OF_INSTANCES.contains(&name.as_str())) || *value == Document::Null {
            continue;
        }
        match (&service.shape(member.shape).kind, value) {
            (Kind::Structure(inner), Document::Map(values)) if run && name == PLACEMENT => {
                for (name, value) in values {
                    let Some(member) = inner.iter().find(|m| m.name == name) else { continue };
                    separate(&mut out, &mut first);
                    writing.element(&mut out, member, value);
                }
            }
            // Both were sent: the second is in the set of the first.
            _ if name == GROUPS[1] && input.get(GROUPS[0]).is_some() => {}
            _ if name == GROUPS[0] && input.get(GROUPS[1]).is_some() => {
                separate(&mut out, &mut first);
                writing.groups(&mut out, input);
            }
            _ => {
                separate(&mut out, &mut first);
                writing.parameter(&mut out, member, value);
            }
        }
    }
    // Sets that nobody filled are shown all the same.
    let lists = members.iter().filter(|m| matches!(service.shape(m.shape).kind, Kind::List(_)));
    for member in lists.filter(|m| input.get(m.name).is_none()) {
        let form = form_name(service, member);
        let always = ALWAYS.iter().any(|(of, name)| operation.name.contains(of) && *name == form);
        if always || operation.name.starts_with("Describe") {
            separate(&mut out, &mut first);
            writing.parameter(&mut out, member, &Document::List(Vec::new()));
        }
    }
    out.push(b'}');
    (out.len() > 2).then(|| RawJson::from_written(out))
}

pub(super) fn response_elements(
    service: &ServiceModel,
    operation: &OperationModel,
    output: &Document,
    request_id: Option<&str>,
    done: Option<bool>,
) -> Option<RawJson> {
    let mut out = vec![b'{'];
    let mut first = true;
    if let Some(id) = request_id {
        separate(&mut out, &mut first);
        out.extend_from_slice(b"\"requestId\":");
        write_text(&mut out, id);
    }
    if let Some(done) = done {
        separate(&mut out, &mut first);
        out.extend_from_slice(format!("\"_return\":{done}").as_bytes());
    }
    let shape = operation.output.map(|output| &service.shape(output).kind);
    if let (Some(Kind::Structure(members)), Document::Map(values)) = (shape, output) {
        let writing = Writing { service, operation: &operation.name, answers: true };
        for (name, value) in values {
            let Some(member) = members.iter().find(|m| m.name == name) else { continue };
            if *value == Document::Null || member.wire_name() == "return" {
                continue;
            }
            separate(&mut out, &mut first);
            let renamed =
                RENAMED_ANSWERS.iter().find(|(of, name, _)| *operation.name == **of && *name == member.wire_name());
            match renamed {
                Some((.., name)) => {
                    write_text(&mut out, name);
                    out.push(b':');
                    writing.value(&mut out, member, value);
                }
                None => writing.element(&mut out, member, value),
            }
        }
    }
    out.push(b'}');
    (out.len() > 2).then(|| RawJson::from_written(out))
}

struct Writing<'a> {
    service: &'a ServiceModel,
    operation: &'a str,
    /// An answer, not a request.
    answers: bool,
}

impl Writing<'_> {
    /// A member of the request itself.
    fn parameter(&self, out: &mut Vec<u8>, member: &Member, value: &Document) {
        let form = form_name(self.service, member);
        if let (Kind::List(element), Document::List(items)) = (&self.service.shape(member.shape).kind, value) {
            // Placement groups are named as security groups are.
            let of_placement = self.operation.ends_with("PlacementGroups");
            let (set, of_text) = match (&*form, of_placement) {
                ("GroupName", true) => ("placementGroupSet".to_owned(), "groupName".to_owned()),
                ("GroupId", true) => ("placementGroupIdSet".to_owned(), "groupId".to_owned()),
                (form, _) => match SETS.iter().find(|(name, ..)| *name == form) {
                    Some((_, set, of_text)) => ((*set).to_owned(), (*of_text).to_owned()),
                    None => (format!("{}Set", lower_first(form)), lower_first(form)),
                },
            };
            write_text(out, &set);
            out.push(b':');
            return self.items(out, element, items, &set, &of_text);
        }
        let renamed = RENAMED.iter().find(|(of, name, _)| *of == self.operation && *name == form);
        let name = renamed.map_or_else(|| lower_first(&form), |(.., name)| (*name).to_owned());
        write_text(out, &name);
        out.push(b':');
        match value {
            // As the service calls it within: CREATE_VOLUME_PERMISSION.
            Document::Text(text) if name == "attributeType" && self.operation == "ModifySnapshotAttribute" => {
                write_text(out, &upper_snake(text));
            }
            value => self.named(out, &name, member, value),
        }
    }

    /// The value of what is called so in records.
    fn named(&self, out: &mut Vec<u8>, name: &str, member: &Member, value: &Document) {
        match value {
            Document::Int(number) if NUMBERS_AS_TEXTS.contains(&(self.operation, name)) => {
                write_text(out, &number.to_string());
            }
            value => self.value(out, member, value),
        }
    }

    /// A member of something inside the request, or of the answer.
    fn element(&self, out: &mut Vec<u8>, member: &Member, value: &Document) {
        let name = lower_first(member.wire_name());
        if let (Kind::List(element), Document::List(items)) = (&self.service.shape(member.shape).kind, value) {
            let form = form_name(self.service, member);
            // The tags of a specification are no set.
            if form == "Tag" && name == "tag" {
                write_text(out, "tags");
                out.push(b':');
                return self.bare(out, element, items);
            }
            let inner = INNER_SETS.iter().find(|(of, ..)| *of == form);
            let (set, of_text) = inner.map_or((name.as_str(), "item"), |(_, set, of_text)| (set, of_text));
            write_text(out, set);
            out.push(b':');
            return self.items(out, element, items, set, of_text);
        }
        write_text(out, &name);
        out.push(b':');
        self.named(out, &name, member, value);
    }

    fn value(&self, out: &mut Vec<u8>, member: &Member, value: &Document) {
        if is_secret(self.service, self.operation, member) {
            return write_text(out, REMOVED);
        }
        match (&self.service.shape(member.shape).kind, value) {
            (Kind::Structure(members), Document::Map(values)) => self.structure(out, members, values),
            (_, Document::List(items)) if items.is_empty() => out.extend_from_slice(b"{}"),
            // Milliseconds since the epoch.
            (_, value) => write_plain(out, value, &|out, at| {
                out.extend_from_slice(at.as_millisecond().to_string().as_bytes());
            }),
        }
    }

    fn structure(&self, out: &mut Vec<u8>, members: &[Member], values: &[(String, Document)]) {
        out.push(b'{');
        let mut first = true;
        for (name, value) in values {
            let Some(member) = members.iter().find(|m| m.name == name) else { continue };
            if *value != Document::Null {
                separate(out, &mut first);
                self.element(out, member, value);
            }
        }
        out.push(b'}');
    }

    /// The ids and the names of security groups in one set.
    fn groups(&self, out: &mut Vec<u8>, input: &Document) {
        out.extend_from_slice(b"\"groupSet\":{\"items\":[");
        let mut first = true;
        for (list, name) in GROUPS.iter().zip(["groupId", "groupName"]) {
            for item in input.list(list) {
                let Document::Text(text) = item else { continue };
                separate(out, &mut first);
                out.push(b'{');
                write_text(out, name);
                out.push(b':');
                write_text(out, text);
                out.push(b'}');
            }
        }
        out.extend_from_slice(b"]}");
    }

    /// `{"items":[…]}`, or `{}`; texts become members named `of_text`. Calls about ClassicLink say `item`, and so do answers of
    /// the addresses of interfaces.
    fn items(&self, out: &mut Vec<u8>, element: &Member, items: &[Document], set: &str, of_text: &str) {
        if items.is_empty() {
            return out.extend_from_slice(b"{}");
        }
        let odd = self.operation.contains("ClassicLink") || (self.answers && set == "privateIpAddressesSet");
        let word = if odd { "item" } else { "items" };
        let whole = !self.answers && WITH_EMPTY_SETS.contains(&set);
        out.extend_from_slice(format!("{{\"{word}\":[").as_bytes());
        let mut first = true;
        for item in items {
            separate(out, &mut first);
            match (&self.service.shape(element.shape).kind, item) {
                (Kind::Structure(members), Document::Map(values)) if whole => {
                    let empty = members.iter().filter(|m| item.get(m.name).is_none());
                    let empty = empty.filter(|m| matches!(self.service.shape(m.shape).kind, Kind::List(_)));
                    let empty = empty.map(|m| (m.name.to_owned(), Document::List(Vec::new())));
                    let values: Vec<_> = values.iter().cloned().chain(empty).collect();
                    self.structure(out, members, &values);
                }
                (_, Document::Map(_)) => self.value(out, element, item),
                (_, item) => {
                    out.push(b'{');
                    write_text(out, of_text);
                    out.push(b':');
                    self.value(out, element, item);
                    out.push(b'}');
                }
            }
        }
        out.extend_from_slice(b"]}");
    }

    fn bare(&self, out: &mut Vec<u8>, element: &Member, items: &[Document]) {
        out.push(b'[');
        let mut first = true;
        for item in items {
            separate(out, &mut first);
            self.value(out, element, item);
        }
        out.push(b']');
    }
}

/// `createVolumePermission` → `CREATE_VOLUME_PERMISSION`
fn upper_snake(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 4);
    for c in text.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_uppercase());
    }
    out
}
