//! Many calls at the same time, beside the bare engine under the load of as many calls. Each in a process of its own, so
//! that memory is not mixed.

use std::process::Command;
use std::time::Duration;

use callcheck::jsep::Role;

use super::memory_kib;
use super::stage::{Stage, plan};
use crate::setup;

/// What a child process prints, in this order.
struct Cost {
    cpu_seconds: f64,
    packets: f64,
    lost: f64,
    kib: f64,
}

/// Prints both loads and their ratios.
pub(crate) fn load(calls: usize, time: Duration) {
    println!(
        "{calls} calls at the same time for {} s, audio and video both ways, a process each",
        time.as_secs()
    );
    let (bare, whole) = (measure("bare", calls, time), measure("whole", calls, time));
    for (name, cost) in [("bare engine, dummy packets", &bare), ("whole calls, real media", &whole)] {
        println!(
            "  {name:<28} CPU per call {:5.2} %   {:5.1} µs per packet   memory per call {:6.0} KiB   packets {}   lost {}",
            cost.cpu_seconds / time.as_secs_f64() / calls as f64 * 100.0,
            cost.cpu_seconds * 1e6 / cost.packets,
            cost.kib / calls as f64,
            cost.packets,
            cost.lost
        );
    }
    let per_packet = (whole.cpu_seconds / whole.packets) / (bare.cpu_seconds / bare.packets);
    println!(
        "  whole beside bare: CPU per call {:.2}, CPU per packet {per_packet:.2}, memory per call {:.2} \
         (whole calls also make, stamp, read and decode their media; the bare load sends more and larger packets)",
        whole.cpu_seconds / bare.cpu_seconds,
        whole.kib / bare.kib
    );
}

fn measure(which: &str, calls: usize, time: Duration) -> Cost {
    let this = std::env::current_exe().expect("this program has a path");
    let arguments = ["--child", which, &calls.to_string(), &time.as_secs().to_string()];
    let output = Command::new(this).args(arguments).output().expect("this program starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let figures: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let &[cpu_seconds, packets, lost, kib] = figures.as_slice() else {
        panic!("the {which} load failed: {text}{}", String::from_utf8_lossy(&output.stderr))
    };
    Cost { cpu_seconds, packets, lost, kib }
}

/// The load itself, in the child process.
pub(crate) fn child(which: &str, calls: usize, time: Duration) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let base = memory_kib("VmRSS");
    let (cpu, packets, lost) = if which == "bare" {
        runtime.block_on(setup::bare_load(calls, time))
    } else {
        runtime.block_on(whole(calls, time))
    };
    println!("{cpu} {packets} {lost} {}", memory_kib("VmHWM").saturating_sub(base));
}

async fn whole(calls: usize, time: Duration) -> (f64, u64, u64) {
    let stage = Stage::new();
    let before = setup::cpu_seconds();
    let running: Vec<_> = (0..calls)
        .map(|number| {
            let stage = stage.clone();
            tokio::spawn(async move {
                stage.call(number, plan(Role::Caller, time), plan(Role::Callee, time)).await
            })
        })
        .collect();
    let (mut packets, mut lost) = (0, 0);
    for call in running {
        let (caller, callee) = call.await.expect("a call does not panic");
        for side in [caller, callee] {
            lost += u64::from(!side.passed());
            for media in side.facts.own().inbound.iter().flatten() {
                packets += media.packets;
                lost += media.packets_lost
                    + media.frames_lost
                    + media.frames.saturating_sub(media.stamped_frames);
            }
        }
    }
    (setup::cpu_seconds() - before, packets, lost)
}
