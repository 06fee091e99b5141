use proptest::prelude::*;

use super::*;
use crate::common::Term;
use crate::storage::region::Region;
use crate::storage::txn::RegionEpoch;

fn report(id: u64, start: u8, end: u8, version: u64, term: u64) -> RegionReport {
    let key = |byte: u8| if byte == 0 { Bytes::new() } else { Bytes::from(vec![byte]) };
    RegionReport {
        region: Region {
            id: RegionId(id),
            start_key: key(start),
            end_key: key(end),
            epoch: RegionEpoch { conf_ver: 1, version },
            peers: Vec::new(),
        },
        term: Term(term),
        ..RegionReport::default()
    }
}

#[test]
fn a_late_report_does_not_undo_a_split() {
    let mut tree = RegionTree::default();
    tree.observe(report(1, 0, 0, 1, 5));
    tree.observe(report(1, 0, 9, 2, 5));
    tree.observe(report(2, 9, 0, 2, 5));
    assert_eq!(tree.observe(report(1, 0, 0, 1, 6)), Observed::Stale);
    assert_eq!(tree.len(), 2);
    assert_eq!(tree.by_key(&[9]).unwrap().region.id, RegionId(2));
    assert_eq!(tree.by_key(&[8, 255]).unwrap().region.id, RegionId(1));
}

#[test]
fn the_new_half_may_be_heard_of_first() {
    let mut tree = RegionTree::default();
    tree.observe(report(1, 0, 0, 1, 5));
    tree.observe(report(2, 9, 0, 2, 5));
    assert!(tree.by_key(&[1]).is_none(), "the old range is known to be wrong");
    tree.observe(report(1, 0, 9, 2, 5));
    assert_eq!(tree.by_key(&[1]).unwrap().region.id, RegionId(1));
}

#[test]
fn an_old_leader_is_not_believed() {
    let mut tree = RegionTree::default();
    tree.observe(report(1, 0, 0, 1, 6));
    assert_eq!(tree.observe(report(1, 0, 0, 1, 5)), Observed::Stale);
    assert!(matches!(tree.observe(report(1, 0, 0, 1, 6)), Observed::Refreshed { .. }));
}

#[test]
fn finds_what_lies_before_a_key() {
    let mut tree = RegionTree::default();
    tree.observe(report(1, 0, 5, 1, 1));
    tree.observe(report(2, 5, 0, 1, 1));
    let before = |key: &[u8]| tree.before_key(key).map(|found| found.region.id.0);
    assert_eq!(before(&[5]), Some(1));
    assert_eq!(before(&[5, 0]), Some(2));
    assert_eq!(before(&[]), Some(2));
    assert_eq!(before(&[1]), Some(1));
}

proptest! {
    /// Against a list of reports that is searched from end to end.
    #[test]
    fn agrees_with_a_list(reports in proptest::collection::vec(
        (1u64..6, 0u8..10, 0u8..10, 1u64..5, 1u64..3), 1..40)
    ) {
        let mut tree = RegionTree::default();
        let mut list: Vec<RegionReport> = Vec::new();
        for (id, start, end, version, term) in reports {
            if end != 0 && end <= start {
                continue;
            }
            let new = report(id, start, end, version, term);
            let stale = list.iter().any(|old| {
                if old.region.id == new.region.id {
                    is_older(&new, old)
                } else {
                    old.region.overlaps(&new.region)
                        && old.region.epoch.version > new.region.epoch.version
                }
            });
            prop_assert_eq!(tree.observe(new.clone()) == Observed::Stale, stale);
            if !stale {
                list.retain(|old| {
                    old.region.id != new.region.id && !old.region.overlaps(&new.region)
                });
                list.push(new);
                list.sort_by(|a, b| a.region.start_key.cmp(&b.region.start_key));
            }
            prop_assert_eq!(tree.iter().cloned().collect::<Vec<_>>(), list.clone());
            for key in 0..12u8 {
                let found = list.iter().find(|old| old.region.contains(&[key]));
                prop_assert_eq!(tree.by_key(&[key]), found);
                let tail: Vec<_> = list
                    .iter()
                    .filter(|old| old.region.end_key.is_empty() || old.region.end_key[..] > [key][..])
                    .collect();
                prop_assert_eq!(tree.scan(&[key], &[], 100), tail);
            }
            for old in &list {
                prop_assert_eq!(tree.by_id(old.region.id), Some(old));
            }
        }
    }
}
