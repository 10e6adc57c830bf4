//! A program that runs beside us, with all that it starts itself, and is gone when this is dropped.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::channel::mpsc;

use crate::world::{Live, World};

/// A line longer than this is none of the protocol.
const LONGEST_LINE: u64 = 1 << 20;
/// So much of what it says on standard error is kept, from the end.
const KEPT: usize = 2_000;

/// The running program.
pub(super) struct Process {
    child: Arc<Mutex<Child>>,
    id: u32,
    errors: Arc<Mutex<String>>,
}

/// What is said to it and by it, if anybody talks.
pub(super) struct Talk {
    pub(super) say: mpsc::UnboundedSender<String>,
    pub(super) hear: mpsc::UnboundedReceiver<Result<String, String>>,
}

impl Process {
    /// Starts it in a process group of its own. With `talks` its standard input and output are lines.
    pub(super) fn start(
        live: &Live,
        mut command: Command,
        talks: bool,
    ) -> std::io::Result<(Self, Option<Talk>)> {
        let pipe = || if talks { Stdio::piped() } else { Stdio::null() };
        command.stdin(pipe()).stdout(pipe()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn()?;
        let errors = Arc::new(Mutex::new(String::new()));
        if let Some(stderr) = child.stderr.take() {
            let errors = Arc::clone(&errors);
            live.on_a_thread(move || keep_the_end(stderr, &errors));
        }
        let talk = match (child.stdin.take(), child.stdout.take()) {
            (Some(stdin), Some(stdout)) => Some(talk(live, stdin, stdout)),
            _ => None,
        };
        let id = child.id();
        lock(&RUNNING).insert(id);
        Ok((Self { child: Arc::new(Mutex::new(child)), id, errors }, talk))
    }

    /// What it has said on standard error, from the end.
    pub(super) fn errors(&self) -> Arc<Mutex<String>> {
        Arc::clone(&self.errors)
    }

    /// Ready when it has ended by itself, with how it ended. It is asked, so that no signal of the system is taken from
    /// anybody.
    pub(super) fn ended(&self, world: &Arc<dyn World>) -> impl Future<Output = String> + Send + use<> {
        let (child, world) = (Arc::clone(&self.child), Arc::clone(world));
        async move {
            loop {
                if let Ok(Some(status)) = lock(&child).try_wait() {
                    return status.to_string();
                }
                world.sleep(LOOK_EVERY).await;
            }
        }
    }
}

/// How often it is asked whether a program has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The groups of all programs that run. A process that ends at once drops nothing.
static RUNNING: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// Ends every program that a scenario has started, for a process that ends without its orderly end.
pub fn end_all() {
    lock(&RUNNING).iter().for_each(|id| {
        // Nobody is left to be told.
        let _ = kill(*id);
    });
}

/// The whole group: a browser is many processes, and a script starts others.
fn kill(id: u32) -> std::io::Result<ExitStatus> {
    Command::new("kill")
        .args(["-s", "KILL", "--", &format!("-{id}")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
}

impl Drop for Process {
    fn drop(&mut self) {
        let killed = kill(self.id);
        lock(&RUNNING).remove(&self.id);
        let mut child = lock(&self.child);
        if !killed.is_ok_and(|status| status.success()) {
            // It has ended already, or there is no `kill`.
            let _ = child.kill();
        }
        let _ = child.wait();
    }
}

fn talk(live: &Live, mut stdin: std::process::ChildStdin, stdout: std::process::ChildStdout) -> Talk {
    let (say, mut said) = mpsc::unbounded::<String>();
    let (heard, hear) = mpsc::unbounded();
    live.on_a_thread(move || {
        while let Some(line) = futures::executor::block_on(futures::StreamExt::next(&mut said)) {
            if writeln!(stdin, "{line}").and_then(|()| stdin.flush()).is_err() {
                return;
            }
        }
    });
    live.on_a_thread(move || {
        let mut reader = BufReader::new(stdout);
        loop {
            let mut line = Vec::new();
            match reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            let read = String::from_utf8(line).map_err(|error| error.to_string());
            if heard.unbounded_send(read).is_err() {
                return;
            }
        }
    });
    Talk { say, hear }
}

fn keep_the_end(mut from: impl Read, kept: &Mutex<String>) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let mut kept = lock(kept);
        kept.push_str(&String::from_utf8_lossy(&buffer[..length]));
        if kept.len() > KEPT {
            let cut = kept.ceil_char_boundary(kept.len() - KEPT);
            kept.drain(..cut);
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
