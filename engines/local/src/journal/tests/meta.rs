//! The meta file: a journal keeps its id through every start, and what is no meta is refused.

use std::path::Path;

use opentrail_journal::{Journal, kit};

use super::{DIR, contents, disk, open, run, small};
use crate::disk::{Disk, Fault, SimDisk};
use crate::journal::meta::read;

fn put(disk: &SimDisk, text: &str) {
    let path = Path::new(DIR).join("meta");
    disk.remove(&path).expect("there was one");
    let file = disk.create(&path).expect("a file");
    file.write_at(text.as_bytes(), 0).and_then(|()| file.sync()).expect("written");
}

#[test]
fn a_journal_keeps_its_id_and_an_older_one_gets_one() {
    let disk = disk();
    let first = open(&disk, &small()).expect("a journal");
    run(first.append(kit::entries(1, 0..3, 100))).expect("an append");
    let id = first.id();
    drop(first);
    assert_eq!(open(&disk, &small()).expect("again").id(), id);
    assert_ne!(open(&super::disk(), &small()).expect("another").id(), id);
    // As version 1 wrote it before there were ids.
    put(&disk, "opentrail journal\nformat 1\npartitions 1\n");
    let journal = open(&disk, &small()).expect("an older one");
    let id = journal.id();
    assert_eq!(run(contents(&journal)).len(), 3);
    drop(journal);
    assert_eq!(open(&disk, &small()).expect("again").id(), id);
    assert_eq!(read(&disk, Path::new(DIR)).expect("read").and_then(|meta| meta.id), Some(id));
}

#[test]
fn a_power_cut_while_the_id_is_written_leaves_a_journal() {
    for (fault, nth) in [Fault::Landed, Fault::NotLanded].into_iter().flat_map(|fault| (1..12).map(move |n| (fault, n)))
    {
        for seed in 0..20 {
            let disk = disk();
            let journal = open(&disk, &small()).expect("a journal");
            run(journal.append(kit::entries(1, 0..3, 100))).expect("an append");
            drop(journal);
            put(&disk, "opentrail journal\nformat 1\npartitions 1\n");
            disk.sync_dir(Path::new(DIR)).expect("synced");
            disk.fail_at(nth, fault);
            let shown = open(&disk, &small()).ok().map(|journal| journal.id());
            disk.power_cut(seed);
            let journal = open(&disk, &small()).expect("it opens");
            assert_eq!(run(contents(&journal)).len(), 3, "{fault:?} {nth} {seed}");
            assert!(shown.is_none_or(|id| id == journal.id()), "an id that was shown stays: {fault:?} {nth} {seed}");
        }
    }
}

#[test]
fn what_is_no_meta_is_refused() {
    let id = "0123456789abcdef0123456789abcdef";
    let check = |text: &str, expect: &str| {
        let disk = disk();
        drop(open(&disk, &small()).expect("a journal"));
        put(&disk, text);
        let refused = open(&disk, &small()).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(if expect.is_empty() { refused.is_empty() } else { refused.contains(expect) }, "{text}: {refused}");
    };
    let head = "opentrail journal\nformat 1\npartitions 1\n";
    check(&format!("{head}id {id}\n"), "");
    check(&format!("{head}id {}\n", &id[1..]), "does not name the journal");
    check(&format!("{head}id {}g\n", &id[1..]), "does not name the journal");
    check(&format!("{head}other\n"), "does not name the journal");
    check("opentrail journal\nformat 2\npartitions 1\n", "format 2");
    check("opentrail journal\nformat 1\npartitions 0\n", "how many partitions");
    check("something\n", "does not say that this is a journal");
}
