//! An awsJson body: what is accepted can be checked, rendered and written back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

use opentrail_protocol::{Models, json, request_parameters, summary, validate};

static MODELS: LazyLock<Models> = LazyLock::new(Models::builtin);

// The first byte chooses the operation.
fuzz_target!(|data: &[u8]| {
    let Some((&choice, body)) = data.split_first() else { return };
    let service = MODELS.by_signing_name("cloudtrail").expect("cloudtrail is built in");
    let operation = service.operations().nth(usize::from(choice) % service.operations().count()).expect("in range");
    if let Ok(input) = json::decode(&service, operation, body) {
        let _ = summary(&validate(&service, operation, &input));
        let _ = request_parameters(&service, operation, &input);
    }
});
