//! Damage to what was good once is said, never skipped; a torn tail is cut, never fatal.

use std::path::{Path, PathBuf};

use opentrail_journal::{Error, Journal, Partition, Position, kit};
use opentrail_world::World;

use super::{DIR, contents, disk, open, run, small};
use crate::disk::{Disk, SimDisk};
use crate::journal::format::{FrameHead, What, write_frame};
use crate::journal::{JournalSettings, OpenError};

fn segments(disk: &SimDisk) -> Vec<PathBuf> {
    let dir = Path::new(DIR).join("p0000");
    let mut names = disk.list(&dir).expect("the partition's folder");
    names.sort();
    names.into_iter().map(|name| dir.join(name)).collect()
}

fn len(disk: &SimDisk, path: &Path) -> u64 {
    disk.open(path).and_then(|file| file.size()).expect("a segment")
}

fn filled(batches: u64) -> SimDisk {
    let disk = disk();
    run(async {
        let journal = open(&disk, &small()).expect("a journal");
        for n in 0..batches {
            journal.append(kit::entries(1, n * 10..n * 10 + 10, 300)).await.expect("an append");
        }
    });
    disk
}

#[test]
fn any_flipped_bit_of_a_closed_journal_is_found() {
    let pristine = filled(12);
    let paths = segments(&pristine);
    assert!(paths.len() >= 2, "sealed segments and a last one");
    for path in &paths {
        let last = path == paths.last().expect("a segment");
        for at in 0..len(&pristine, path) {
            let disk = filled_copy(&pristine, &paths);
            disk.flip_bit(path, at, (at % 8) as u8).expect("a flip");
            match open(&disk, &small()) {
                Err(OpenError::Damaged { .. }) => {}
                Err(other) => panic!("{other}"),
                // Only the closing mark may go unnoticed: it holds nothing. Padding of the head is covered by no sum.
                Ok(journal) => {
                    let mark = last && at >= len(&pristine, path) - 48;
                    assert!(mark || (36..48).contains(&at), "{} byte {at}", path.display());
                    assert_eq!(run(contents(&journal)).len(), 120);
                }
            }
        }
    }
}

/// A copy, so that each flip meets the same bytes.
fn filled_copy(from: &SimDisk, paths: &[PathBuf]) -> SimDisk {
    let to = disk();
    for dir in [DIR, &format!("{DIR}/p0000")] {
        to.create_dir(Path::new(dir)).expect("a folder");
    }
    for path in paths.iter().chain([&Path::new(DIR).join("meta")]) {
        let source = from.open(path).expect("a file");
        let mut bytes = vec![0; source.size().expect("its size") as usize];
        source.read_at(&mut bytes, 0).expect("its bytes");
        to.create(path).and_then(|file| file.write_at(&bytes, 0)).expect("a copy");
    }
    to
}

#[test]
fn a_missing_segment_is_said() {
    for missing in 0..3 {
        let disk = filled(30);
        let paths = segments(&disk);
        assert!(paths.len() > 3);
        disk.remove(&paths[missing]).expect("a removal");
        match open(&disk, &small()) {
            // The oldest may be gone: that is truncation.
            Ok(_) => assert_eq!(missing, 0),
            Err(e) => assert!(missing > 0 && e.to_string().contains("should follow"), "{e}"),
        }
    }
}

#[test]
fn damage_beyond_the_start_up_check_is_met_by_the_reader() {
    let pristine = filled(30);
    let paths = segments(&pristine);
    pristine.flip_bit(&paths[0], 100, 3).expect("a flip");
    let settings = JournalSettings { verify_bytes_max: 0, ..small() };
    let journal = open(&pristine, &settings).expect("the damage is not looked for");
    let read = run(journal.read(Position { partition: Partition(0), offset: 0 }, 1000));
    assert!(matches!(&read, Err(Error::Unavailable(why)) if why.contains("checksum")), "{read:?}");
    assert!(matches!(open(&pristine, &small()), Err(OpenError::Damaged { .. })));
}

#[test]
fn what_a_caller_writes_never_passes_for_a_frame() {
    // A record that carries what would be a good frame of a later group, among noise that does not pack, so that it lies
    // in the file as it is. Were it believed, a torn write would look like damage and keep the journal shut.
    let (dice, _) = World::simulated(1, "2026-01-01T00:00:00Z".parse().expect("a time"));
    let mut bytes = dice.bytes::<3000>().to_vec();
    let body = dice.bytes::<500>();
    let head = FrameHead { what: What::Mark, raw: 0, first: 1, count: 0, group: u32::MAX, appended_us: i64::MAX / 3 };
    write_frame(&mut bytes, 0, head, &body);
    let forged = bytes[3000..3100].to_vec();
    bytes.extend(dice.bytes::<3000>());
    let disk = disk();
    run(async {
        let journal = open(&disk, &small()).expect("a journal");
        journal.append(kit::entries(1, 0..1, 300)).await.expect("an append");
        let path = segments(&disk).remove(0);
        let before = len(&disk, &path);
        let mut entry = kit::entries(1, 1..2, 0).remove(0);
        entry.bytes = bytes.into();
        journal.append(vec![entry]).await.expect("an append");
        let mut stored = vec![0; len(&disk, &path) as usize];
        disk.open(&path).and_then(|file| file.read_at(&mut stored, 0)).expect("its bytes");
        assert!(stored.windows(100).any(|window| window == forged), "the forged frame lies in the file as it is");
        // As if the power had gone while the second append was being written: its first byte is wrong.
        let torn = filled_copy(&disk, &segments(&disk));
        torn.flip_bit(&path, before, 0).expect("a flip");
        let journal = open(&torn, &small()).expect("a torn tail is cut");
        assert_eq!(contents(&journal).await.len(), 1);
    });
}

#[test]
fn a_foreign_or_newer_folder_is_refused() {
    let check = |meta: &str, expect: &str| {
        let disk = filled(1);
        let path = Path::new(DIR).join("meta");
        disk.remove(&path).expect("a removal");
        disk.create(&path).and_then(|file| file.write_at(meta.as_bytes(), 0)).expect("a file");
        let error = open(&disk, &small()).err().expect("refused").to_string();
        assert!(error.contains(expect), "{error}");
    };
    check("", "does not say that this is a journal");
    check("opentrail journal\nformat 2\npartitions 1\n", "format 2 is not one this program knows");
    check("opentrail journal\nformat 1\npartitions 0\n", "how many partitions");
    check("opentrail journal\nformat 1\npartitions 2\n", "p0001");
    let disk = filled(1);
    disk.remove(&Path::new(DIR).join("meta")).expect("a removal");
    assert!(open(&disk, &small()).err().expect("refused").to_string().contains("where a new journal is to be made"));
}
