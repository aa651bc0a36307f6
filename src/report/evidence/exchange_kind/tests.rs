//! What holds for every kind.

use std::collections::BTreeSet;

use super::*;
use crate::report::evidence::reply_traits::Echo;

fn place(holds: impl Fn(ExchangeKind) -> bool) -> Vec<usize> {
    let places = ExchangeKind::all().enumerate();
    places.filter(|(_, kind)| holds(*kind)).map(|(at, _)| at).collect()
}

#[test]
fn each_kind_has_a_number_and_words_of_its_own() {
    let codes: BTreeSet<u32> = ExchangeKind::all().map(|kind| kind.entry().code).collect();
    assert_eq!(codes.len(), ExchangeKind::all().len());
    assert!(codes.iter().all(|code| *code < 32), "{codes:?}");
    for kind in ExchangeKind::all() {
        let entry = kind.entry();
        assert!(!entry.sends.is_empty() && !entry.shows.is_empty(), "{}", kind.name());
    }
}

#[test]
fn a_kind_has_one_name_in_json_and_reports() {
    for kind in ExchangeKind::all() {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
    }
}

#[test]
fn nothing_billed_follows_what_is_free_and_what_may_lock_out_comes_last() {
    let billed = place(ExchangeKind::is_billed);
    assert_eq!(billed, (0..billed.len()).collect::<Vec<_>>());
    let keys = place(ExchangeKind::is_about_key);
    assert_eq!(keys.last(), Some(&(ExchangeKind::all().len() - 1)));
    assert_eq!(keys.last().unwrap() - keys.first().unwrap(), keys.len() - 1);
    let [attack] = place(|kind| kind == ExchangeKind::AttackPrompt)[..] else {
        unreachable!()
    };
    assert_eq!(Some(&(attack + 1)), keys.first());
    assert!(place(ExchangeKind::is_large).iter().all(|large| *large < attack));
    assert_eq!(ExchangeKind::all().next_back(), Some(ExchangeKind::BadKey));
}

#[test]
fn an_entry_does_not_contradict_itself() {
    for kind in ExchangeKind::all() {
        let (entry, name) = (kind.entry(), kind.name());
        let usual = entry.usual;
        let free = !kind.is_billed() && entry.endpoint != Endpoint::Messages;
        assert!(
            free || !entry.over_budget,
            "{name} costs a token where its defect is lost"
        );
        assert!(
            !kind.is_billed() || usual.status == 200,
            "{name} is billed for an answer"
        );
        assert!(
            !kind.is_billed() || entry.digits == DIGITS,
            "{name}: rules measure its times"
        );
        assert_eq!(usual.status == 200, usual.error == ErrorClass::None, "{name}");
        // An exchange that most runs do not send shows nothing of the gateway when it is missing.
        let often = entry.planned == Planned::WithChecks && !entry.deep_in_check && entry.well_formed;
        assert!(!entry.complaint || (often && usual.echo == Echo::Exact), "{name}");
        // Where a gateway may refuse it by itself, the headers of its refusal are its own.
        assert!(!entry.comparable || entry.well_formed, "{name}");
        let listed = !matches!(entry.planned, Planned::EachRun | Planned::Reaction(_));
        assert_eq!(listed, !kind.is_frozen_request(), "{name}");
    }
}
