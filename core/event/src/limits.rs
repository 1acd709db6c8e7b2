//! How large a record and its members may be (`spec/record.md` 1.2, "Size rules").

/// A whole record, since eventVersion 1.05.
pub const RECORD_BYTES_MAX: usize = 256 * 1024;
/// `requestParameters`, `responseElements`, `serviceEventDetails`: over this their content is omitted.
pub const FIELD_BYTES_MAX: usize = 100 * 1024;
/// `additionalEventData`: over this its content is omitted.
pub const ADDITIONAL_BYTES_MAX: usize = 28 * 1024;
/// `userAgent`, `errorCode`, `errorMessage`, `requestID`: over this they are truncated.
pub const TEXT_BYTES_MAX: usize = 1024;
