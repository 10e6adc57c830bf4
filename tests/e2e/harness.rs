//! Starts callcheck processes, waits for what they say with a deadline, and never leaves one behind.

use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Everything that a test waits for must come within this time.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// A started process. Killed when dropped.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
    stderr: String,
    stdout: Option<std::thread::JoinHandle<String>>,
}

/// How a process ended.
pub(crate) struct Ended {
    /// None if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// `callcheck` with these arguments; the room that it would host is at `room`.
pub(crate) fn callcheck(room: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_callcheck"));
    // What the user or CI has set must not decide what is tested.
    for (name, _) in std::env::vars()
        .filter(|(name, _)| name.starts_with("CALLCHECK_") || ["CI", "GITHUB_ACTIONS"].contains(&&**name))
    {
        command.env_remove(name);
    }
    command.env("CALLCHECK_DEFAULT_ROOM_URL", room).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Starts it.
pub(crate) fn start(room: &str, arguments: &[&str]) -> Process {
    Process::start(callcheck(room, arguments))
}

/// Starts it and waits for its end.
pub(crate) fn run(arguments: &[&str]) -> Ended {
    start(&free_room(), arguments).end()
}

/// The URL of a room that nobody hosts yet.
pub(crate) fn free_room() -> String {
    format!("ws://127.0.0.1:{}", free_port())
}

/// A port that is free over TCP and UDP, for something that is started later. It is below those that the system hands out
/// to whoever asks for any, and given to one test only: otherwise another test's socket may have it by then.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Two runs of the tests at a time begin elsewhere.
    let first = u16::try_from(std::process::id() % 100).unwrap() * 100;
    loop {
        let port = 10_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 20_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() && UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Calls with media need a core; more at a time than the machine can carry would test the machine.
pub(crate) fn one_call_at_a_time() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Process {
    pub(crate) fn start(command: Command) -> Self {
        Self::start_with_input(command).0
    }

    /// Also gives what it reads; its standard input must be piped for that, and is closed otherwise.
    pub(crate) fn start_with_input(mut command: Command) -> (Self, Option<ChildStdin>) {
        let mut child = command.spawn().expect("it starts");
        let input = child.stdin.take();
        let (tell, lines) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        let stdout = child.stdout.take().map(|mut pipe| {
            std::thread::spawn(move || {
                let mut text = Vec::new();
                let _ = pipe.read_to_end(&mut text);
                String::from_utf8_lossy(&text).into_owned()
            })
        });
        (Self { child, lines, stderr: String::new(), stdout }, input)
    }

    /// Waits until a line of standard error contains `text`, and gives the line.
    pub(crate) fn says(&mut self, text: &str) -> String {
        let deadline = Instant::now() + DEADLINE;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.stderr += &format!("{line}\n");
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    panic!("`{text}` was not said in time; so far:\n{}", self.stderr)
                }
                Err(RecvTimeoutError::Disconnected) => panic!("`{text}` was never said:\n{}", self.stderr),
            }
        }
    }

    /// Waits until standard error has said all of `texts`, in any order.
    pub(crate) fn has_said(&mut self, texts: &[&str]) {
        for text in texts {
            if !self.stderr.contains(text) {
                self.says(text);
            }
        }
    }

    /// Sends a signal by name, such as `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().expect("kill runs");
        assert!(sent.success(), "kill -s {name} {id}");
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        let status = self.wait();
        while let Ok(line) = self.lines.recv_timeout(Duration::from_secs(10)) {
            self.stderr += &format!("{line}\n");
        }
        let stdout = self.stdout.take().map(|reader| reader.join().unwrap()).unwrap_or_default();
        Ended { code: status.code(), stdout, stderr: std::mem::take(&mut self.stderr) }
    }

    fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            if Instant::now() > deadline {
                let _ = self.child.kill();
                while let Ok(line) = self.lines.try_recv() {
                    self.stderr += &format!("{line}\n");
                }
                panic!("the process did not end in time:\n{}", self.stderr);
            }
            // There is no portable wait with a deadline; this only decides how soon the end is seen.
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// Asserts the exit code, and shows everything if it is another one.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stderr:\n{}\nstdout:\n{}", self.stderr, self.stdout);
        self
    }

    /// Asserts that standard error contains all of `texts`, wherever its lines are wrapped.
    #[track_caller]
    pub(crate) fn says(self, texts: &[&str]) -> Self {
        let unwrapped = self.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        for text in texts {
            let said = self.stderr.contains(text) || unwrapped.contains(text);
            assert!(said, "`{text}` is not in:\n{}", self.stderr);
        }
        self
    }

    /// The report on standard output, checked against the committed schema.
    #[track_caller]
    pub(crate) fn report(&self) -> Value {
        report(&self.stdout)
    }
}

/// A report, checked against the committed schema.
#[track_caller]
pub(crate) fn report(text: &str) -> Value {
    valid("callcheck.schema.json", text)
}

/// A document, checked against a committed schema.
#[track_caller]
pub(crate) fn valid(schema: &str, text: &str) -> Value {
    let value: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in:\n{text}"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema").join(schema);
    let schema = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let complaints: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
    assert!(complaints.is_empty(), "{complaints:?}\n{text}");
    value
}

/// A room server of its own. Killed when dropped.
pub(crate) fn serve(arguments: &[&str]) -> (Process, String) {
    let arguments = [&["serve", "--listen", "127.0.0.1:0"], arguments].concat();
    let mut server = start(&free_room(), &arguments);
    let line = server.says("room server at ");
    let url = line.split_whitespace().find(|word| word.starts_with("ws://")).unwrap().trim_end_matches(';');
    let url = url.to_owned();
    (server, url)
}
