//! The same call and seed give the same timeline to the byte.

use crate::calls::{among_others, call, call_over, faults, file, played};

#[test]
fn a_good_call_passes_with_any_seed() {
    let _machine = among_others();
    for seed in 0..20 {
        assert_eq!(faults(&played(&call(|_| {}), seed)), Vec::<String>::new(), "seed {seed}");
    }
}

#[test]
fn twenty_runs_of_one_seed_are_equal_and_other_seeds_are_not() {
    let _machine = among_others();
    for call in [call(|_| {}), call_over("loss=5%,jitter=40ms")] {
        let first = file(&call, 7);
        for run in 1..20 {
            assert_same(&file(&call, 7), &first, run);
        }
        assert_ne!(file(&call, 8), first);
    }
}

#[test]
fn eight_threads_at_once_are_equal() {
    let _machine = among_others();
    let call = call_over("loss=5%,jitter=40ms,reorder=2%,duplicate=1%");
    let first = file(&call, 3);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| file(&call, 3))).collect();
        for (number, thread) in threads.into_iter().enumerate() {
            assert_same(&thread.join().unwrap(), &first, number);
        }
    });
}

/// Says where two files begin to differ, instead of printing both.
fn assert_same(text: &str, first: &str, run: usize) {
    let difference = text.lines().zip(first.lines()).enumerate().find(|(_, (a, b))| a != b);
    if let Some((line, (a, b))) = difference {
        panic!("run {run} differs in line {}:\n{a}\n{b}", line + 1);
    }
    assert_eq!(text.len(), first.len(), "run {run} is longer or shorter");
}
