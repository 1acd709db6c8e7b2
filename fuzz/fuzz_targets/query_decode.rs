//! A form of the Query protocol: what is accepted can be checked and rendered.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

use opentrail_protocol::{Models, query, request_parameters, summary, validate};

static MODELS: LazyLock<Models> = LazyLock::new(Models::builtin);

// The first byte chooses the operation.
fuzz_target!(|data: &[u8]| {
    let Some((&choice, form)) = data.split_first() else { return };
    let service = MODELS.by_signing_name("iam").expect("iam is built in");
    let operation = service.operations().nth(usize::from(choice) % service.operations().count()).expect("in range");
    let Ok(pairs) = query::parse_form(form) else { return };
    if let Ok(input) = query::decode(&service, operation, &pairs) {
        let _ = summary(&validate(&service, operation, &input));
        let _ = request_parameters(&service, operation, &input);
    }
});
