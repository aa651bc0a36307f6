//! Invariants under any crash of the operator.

use proptest::prelude::*;

use super::*;

fn fates() -> impl Strategy<Value = Fate> {
    prop_oneof![
        4 => (1_i64..200).prop_map(Fate::Reports),
        1 => Just(Fate::Stuck(FaultKind::ImagePullFailed)),
        1 => (1_i64..100).prop_map(Fate::Dies),
        1 => (1_i64..100).prop_map(Fate::Vanishes),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// The process dies after any write of any plan and restarts after any time: no slot is run twice, each is closed
    /// once, and every due slot is accounted for.
    #[test]
    fn no_crash_doubles_or_loses_a_slot(
        steps in prop::collection::vec((fates(), 0_usize..4, 0_i64..900), 1..12), own_pod in any::<bool>()
    ) {
        let more = if own_pod { "# two pods" } else { "" };
        let mut probe = fixture::probe_with(more);
        if own_pod {
            let mut second = probe.pods[0].clone();
            second.own = Some("edge".into());
            second.paths = vec![1];
            probe.pods[0].paths = vec![0];
            probe.pods.push(second);
        }
        let mut world = World::new(probe, Fate::Reports(3));
        for (fate, limit, down) in steps {
            world.fate = fate;
            world.pass(400);
            // It dies after `limit` writes of the next plan with writes, and restarts later.
            for _ in 0..900 {
                world.live();
                let plan = decide(&world.observed(), world.now);
                let writes = plan.actions.len() + usize::from(plan.status.is_some());
                world.apply(&plan, limit.min(writes));
                if writes > 0 {
                    break;
                }
                world.now += SignedDuration::from_secs(1);
            }
            // The process's memory is lost.
            world.rejection = None;
            let lost = !world.vanished.is_empty();
            world.vanished.clear();
            let end = world.now + SignedDuration::from_secs(down);
            while world.now < end {
                world.now += SignedDuration::from_secs(1);
                world.live();
            }
            // A pod that vanishes during the downtime leaves no trace: such a world proves nothing about doubles.
            prop_assume!(!lost && world.vanished.is_empty());
        }
        world.fate = Fate::Reports(3);
        world.pass(700);
        for (slot, times) in &world.created {
            prop_assert_eq!(*times, 1, "{} was run twice", slot);
        }
        let mut closed: Vec<_> = world.closed.iter().map(|(slot, _)| slot.clone()).collect();
        let all = closed.len();
        closed.sort();
        closed.dedup();
        prop_assert_eq!(closed.len(), all, "a slot was closed twice: {:?}", world.closed);
    }

    #[test]
    fn the_same_observation_gives_the_same_plan_and_a_wake_up(fate in fates(), seconds in 0_i64..2000) {
        let mut world = World::new(probe(), fate);
        world.pass(seconds);
        let plan = decide(&world.observed(), world.now);
        prop_assert_eq!(&plan, &decide(&world.observed(), world.now));
        prop_assert!(plan.wake >= world.now);
        prop_assert!(plan.wake <= world.now + SignedDuration::from_hours(1));
        // decide ∘ apply: once applied, nothing is left to do.
        world.apply(&plan, usize::MAX);
        let again = decide(&world.observed(), world.now);
        if plan.closed.is_none() {
            prop_assert!(again.status.is_none(), "{:?}", again);
        }
    }
}
