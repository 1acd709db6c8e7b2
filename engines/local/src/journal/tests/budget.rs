//! Shares, the reserve, and truncation that gives space back.

use std::time::Duration;

use opentrail_journal::{Entry, Error, Journal, Partition, Positions, Urgency, kit};
use opentrail_world::World;

use super::{contents, disk, open, run, small};
use crate::journal::JournalSettings;

/// Random text: it does not pack, so that bytes on disk are what was appended.
fn noise(account: u64, n: u64, urgency: Urgency) -> Entry {
    let mut state = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let bytes: Vec<u8> = (0..4000)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 24) as u8
        })
        .collect();
    Entry { bytes: bytes.into(), urgency, ..kit::entries(account, n..n + 1, 0).remove(0) }
}

/// Appends until refused; returns how many went in, and whose budget it was.
async fn fill(journal: &dyn Journal, account: u64, from: u64, urgency: Urgency) -> (u64, String) {
    for n in 0.. {
        match journal.append(vec![noise(account, from + n, urgency)]).await {
            Ok(_) => {}
            Err(Error::Full { whose, held, max }) => {
                assert!(held + 5000 > max, "{held} of {max}");
                return (n, whose.to_string());
            }
            Err(other) => panic!("{other}"),
        }
    }
    unreachable!("a journal is not endless")
}

#[test]
fn an_account_over_its_share_waits_and_others_go_on() {
    let (disk, settings) = (disk(), small());
    run(async {
        let journal = open(&disk, &settings).expect("a journal");
        let (one, whose) = fill(&journal, 1, 0, Urgency::Normal).await;
        assert!(whose.contains("000000000001"), "{whose}");
        assert!((120..=131).contains(&one), "{one} entries of 4 kB in half of 1 MiB");
        let (more, whose) = fill(&journal, 1, one, Urgency::ControlPlane).await;
        assert!(more == 0 && whose.contains("000000000001"), "{more} more, though the reserve is not its own: {whose}");
        let (two, whose) = fill(&journal, 2, 0, Urgency::Normal).await;
        assert!(whose.contains("all accounts") && two > 80, "{two}: {whose}");
        // The reserve is for the control plane alone, of any account.
        let (three, _) = fill(&journal, 3, 0, Urgency::ControlPlane).await;
        assert!((25..=33).contains(&three), "{three} entries in the reserve of 128 KiB");
        let (held, max) = journal.usage();
        assert!(held <= max && max - held < 5000, "{held} of {max}");
        // The books are the same after a restart.
        drop(journal);
        let journal = open(&disk, &settings).expect("a journal");
        let (again, _) = fill(&journal, 1, 1000, Urgency::Normal).await;
        assert_eq!(again, 0);
        assert_eq!(contents(&journal).await.len() as u64, one + two + three);
    });
}

#[test]
fn truncation_gives_space_back_once_every_holder_has_held() {
    let (disk, settings) = (disk(), JournalSettings { holders: vec!["a".into(), "b".into()], ..small() });
    run(async {
        let journal = open(&disk, &settings).expect("a journal");
        let (one, _) = fill(&journal, 1, 0, Urgency::Normal).await;
        let all = Positions([(Partition(0), one)].into());
        journal.hold("a", all.clone());
        World::real().sleep(Duration::from_millis(50)).await;
        assert_eq!(journal.start().next(Partition(0)), 0, "b has not held yet");
        let (before, _) = journal.usage();
        journal.hold("b", all.clone());
        for _ in 0..200 {
            if journal.usage().0 < before / 10 {
                break;
            }
            World::real().sleep(Duration::from_millis(5)).await;
        }
        assert!(journal.usage().0 < before / 10, "{} of {before}", journal.usage().0);
        assert!(journal.start().next(Partition(0)) > one * 9 / 10);
        let (again, _) = fill(&journal, 1, one, Urgency::Normal).await;
        assert!(again > one * 9 / 10, "{again} of {one}");
        drop(journal);
        let journal = open(&disk, &settings).expect("a journal");
        assert!(journal.start().next(Partition(0)) > one * 9 / 10, "what is gone stays gone");
    });
}

#[test]
fn settings_out_of_range_are_refused() {
    let check = |change: fn(&mut JournalSettings), expect: &str| {
        let mut settings = small();
        change(&mut settings);
        let error = open(&disk(), &settings).err().expect("refused").to_string();
        assert!(error.contains(expect), "{error}");
    };
    check(|s| s.partitions = 0, "partitions");
    check(|s| s.partitions = 257, "partitions");
    check(|s| s.segment_bytes = 1, "segment_bytes");
    check(|s| s.bytes_max = 100_000, "bytes_max: must be at least");
    check(|s| s.account_share = 0.0, "account_share");
    check(|s| s.account_share = f64::NAN, "account_share");
}
