//! One CloudTrail record as people and spreadsheets see it.

use serde_json::Value;

/// The columns of the CSV form.
pub const CSV_HEADER: [&str; 16] = [
    "Event ID",
    "Event time",
    "User name",
    "Event name",
    "Event source",
    "AWS access key",
    "AWS region",
    "Source IP address",
    "User agent",
    "Read-only",
    "Error code",
    "Error message",
    "Resource type",
    "Resource name",
    "Request ID",
    "Account",
];

/// A record, read for showing.
pub struct RecordView {
    record: Value,
}

impl RecordView {
    /// Reads a record; text that is none shows as empty cells.
    pub fn new(text: &str) -> Self {
        Self { record: serde_json::from_str(text).unwrap_or(Value::Null) }
    }

    /// The cells under [`CSV_HEADER`].
    pub fn csv_cells(&self) -> [String; 16] {
        let (kinds, names) = self.resources();
        [
            self.text("/eventID"),
            self.text("/eventTime"),
            self.user(),
            self.text("/eventName"),
            self.text("/eventSource"),
            self.text("/userIdentity/accessKeyId"),
            self.text("/awsRegion"),
            self.text("/sourceIPAddress"),
            self.text("/userAgent"),
            self.text("/readOnly"),
            self.text("/errorCode"),
            self.text("/errorMessage"),
            kinds,
            names,
            self.text("/requestID"),
            self.text("/recipientAccountId"),
        ]
    }

    /// Time, account, who, what, on what, from where, with what result.
    pub fn table_cells(&self) -> [String; 7] {
        let error = self.text("/errorCode");
        let source = self.text("/eventSource");
        let service = source.strip_suffix(".amazonaws.com").unwrap_or(&source);
        [
            self.text("/eventTime"),
            self.text("/recipientAccountId"),
            self.user(),
            format!("{service}:{}", self.text("/eventName")),
            self.resources().1,
            self.text("/sourceIPAddress"),
            if error.is_empty() { "ok".into() } else { error },
        ]
    }

    fn user(&self) -> String {
        let name = self.text("/userIdentity/userName");
        match self.text("/userIdentity/type").as_str() {
            _ if !name.is_empty() => name,
            "Root" => "root".into(),
            "AssumedRole" => {
                let id = self.text("/userIdentity/principalId");
                id.split_once(':').map_or(id.clone(), |(_, session)| session.to_owned())
            }
            // A service, or another account's caller: of that one only ids are known.
            _ => {
                let known = ["invokedBy", "principalId", "accountId"].map(|m| self.text(&format!("/userIdentity/{m}")));
                known.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
            }
        }
    }

    fn resources(&self) -> (String, String) {
        let listed = self.record.pointer("/resources").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let gather = |members: &[&str]| {
            let found = listed.iter().filter_map(|r| members.iter().find_map(|m| r.get(m).and_then(Value::as_str)));
            found.collect::<Vec<_>>().join(" ")
        };
        let names = gather(&["ARN", "ARNPrefix"]);
        if names.is_empty() {
            return (String::new(), self.text("/requestParameters/bucketName"));
        }
        (gather(&["type"]), names)
    }

    fn text(&self, pointer: &str) -> String {
        match self.record.pointer(pointer) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Bool(b)) => b.to_string(),
            Some(Value::Number(n)) => n.to_string(),
            _ => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_a_name() {
        let check = |identity: &str, expect: &str| {
            let view = RecordView::new(&format!(r#"{{"userIdentity":{identity}}}"#));
            assert_eq!(view.table_cells()[2], expect, "{identity}");
        };
        check(r#"{"type":"IAMUser","userName":"ana","principalId":"AIDA"}"#, "ana");
        check(r#"{"type":"Root","accountId":"111122223333"}"#, "root");
        check(r#"{"type":"AssumedRole","principalId":"AROA:ci"}"#, "ci");
        check(r#"{"type":"AWSService","invokedBy":"cloudtrail.amazonaws.com"}"#, "cloudtrail.amazonaws.com");
        check(r#"{"type":"AWSAccount","principalId":"AIDA","accountId":"111122223333"}"#, "AIDA");
        check(r#"{"type":"AWSAccount","principalId":"","accountId":"anonymous"}"#, "anonymous");
        check("{}", "");
    }

    #[test]
    fn a_record_shows_who_did_what() {
        let record = r#"{"eventTime":"2026-01-02T03:04:05Z","recipientAccountId":"111122223333","userIdentity":{"type":"Root"},"eventSource":"s3.amazonaws.com","eventName":"CreateBucket","readOnly":false,"requestParameters":{"bucketName":"b"},"sourceIPAddress":"::1"}"#;
        let view = RecordView::new(record);
        let expect = ["2026-01-02T03:04:05Z", "111122223333", "root", "s3:CreateBucket", "b", "::1", "ok"];
        assert_eq!(view.table_cells(), expect);
        assert_eq!(view.csv_cells()[9], "false");
        assert!(RecordView::new("not json").csv_cells().iter().all(String::is_empty));
        assert!(RecordView::new(r#"{"resources":[1,{"ARN":2}],"userIdentity":[]}"#).csv_cells()[13].is_empty());
    }
}
