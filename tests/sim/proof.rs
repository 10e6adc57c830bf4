//! The proof of the diagnosis: what every fault causes is named, and good calls of every shape alarm nobody.

use std::collections::BTreeSet;

use callcheck::diagnose::{Context, diagnose};
use callcheck::jsep::MediaKind;
use callcheck::plan::{SendPlan, SourcePlan};
use callcheck::sim::{Named, prove};

use crate::calls::{among_others, call, faults, never, played};

/// Good calls of each shape: more than two hundred in all.
const GOOD_CALLS: u64 = 11;

/// What comes from files has no stamps in its pictures and is as good.
#[test]
fn calls_with_media_from_files_are_left_alone() {
    let _machine = among_others();
    let media = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/media");
    let call = call(|plan| {
        plan.leg.send = vec![
            SendPlan { kind: MediaKind::Audio, source: SourcePlan::File(media.join("tone.opus")) },
            SendPlan { kind: MediaKind::Video, source: SourcePlan::File(media.join("bars.ivf")) },
        ];
    });
    for seed in 1..=GOOD_CALLS {
        let outcome = played(&call, seed);
        assert_eq!(faults(&outcome), Vec::<String>::new(), "seed {seed}");
        for (plan, side) in [(&call.caller, &outcome.caller), (&call.callee, &outcome.callee)] {
            let found = diagnose(&Context::of_plan(plan), &side.facts, true);
            assert!(found.findings.is_empty() && found.notes.is_empty(), "seed {seed}: {found:#?}");
        }
    }
}

#[test]
fn faults_are_named_and_good_calls_are_left_alone() {
    let _machine = among_others();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let proof = prove("", GOOD_CALLS, threads, &never());
    let wrong: Vec<_> = proof.provoked.iter().filter(|row| row.named != Named::First).collect();
    assert!(proof.recall() >= 0.95, "{:.3}: {wrong:#?}", proof.recall());
    assert_eq!(proof.count(Named::NotProvoked), 0, "{wrong:#?}");
    let modes: BTreeSet<&str> = proof.provoked.iter().map(|row| row.id).collect();
    assert!(modes.len() >= 120, "{}", modes.len());
    let alarms: Vec<_> = proof.good.iter().filter(|good| !good.alarms.is_empty()).collect();
    assert!(alarms.is_empty(), "{alarms:#?}");
    assert!(proof.good.iter().map(|good| good.played).sum::<usize>() > 200);
    // Whoever makes the mistake is not told that the other side did.
    let blamed: Vec<_> = proof.provoked.iter().filter(|row| !row.told_faulty.is_empty()).collect();
    assert!(blamed.is_empty(), "{blamed:#?}");
}
