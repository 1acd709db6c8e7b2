//! How much room the atlas takes: in the repository, and in memory with every table unpacked.

use std::path::Path;

use opentrail_protocol::Atlas;

#[test]
fn the_atlas_stays_small() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/atlas.bin");
    let bytes = std::fs::metadata(&file).expect("the atlas is there").len();
    assert!(bytes <= 4 * 1024 * 1024, "{bytes} bytes in the repository");

    let mut atlas = None;
    let opened = allocation_counter::measure(|| atlas = Some(Atlas::builtin()));
    assert!(opened.bytes_current < 512 * 1024, "{} bytes before anything is asked for", opened.bytes_current);
    let atlas = atlas.expect("it was opened");
    let ids: Vec<String> = atlas.services().map(str::to_owned).collect();
    let loaded = allocation_counter::measure(|| {
        for id in &ids {
            assert!(atlas.service(id).is_some(), "the table of {id} cannot be read");
        }
    });
    // The bytes asked for; what an allocator adds to them is its own.
    assert!(loaded.bytes_current <= 20_000_000, "{} bytes with all {} tables", loaded.bytes_current, ids.len());
}
