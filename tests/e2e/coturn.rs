//! Real coturn with ports and a certificate of its own, on loopback or in a network namespace.

use std::net::{TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::free_port;

use rcgen::{CertificateParams, KeyPair};

/// Of the user `me`; [`with_user`] says so.
pub(crate) const CREDENTIAL: &str = "hush-right";

/// A running coturn. Killed when dropped.
pub(crate) struct Coturn {
    child: Child,
    pub(crate) port: u16,
    pub(crate) secure: u16,
    folder: tempfile::TempDir,
}

impl Coturn {
    /// On loopback, with these options more. None, with the reason on standard error, where it is not installed.
    pub(crate) fn start(options: &[&str]) -> Option<Self> {
        Self::with_certificate(valid_for(&["localhost", "127.0.0.1"]), options)
    }

    /// On loopback with another certificate.
    pub(crate) fn with_certificate(certificate: CertificateParams, options: &[&str]) -> Option<Self> {
        Self::on("127.0.0.1", certificate, options)
    }

    fn on(ip: &str, certificate: CertificateParams, options: &[&str]) -> Option<Self> {
        let (command, ports) = (Command::new("turnserver"), (free_port(), free_port()));
        let turn = Self::spawn(command, ip, ports, certificate, options)?;
        turn.wait_until_it_answers(ip);
        Some(turn)
    }

    /// On loopback with a user, and peers on loopback, which it refuses by default.
    pub(crate) fn with_user(options: &[&str]) -> Option<Self> {
        Self::start(&[&with_user(), options].concat())
    }

    /// As [`Self::with_user`], and on IPv6 alone.
    pub(crate) fn on_ipv6() -> Option<Self> {
        Self::on("::1", valid_for(&["localhost", "::1"]), &with_user())
    }

    /// Started by `command`, which may enter a namespace first. The caller waits until it answers.
    pub(crate) fn spawn(
        mut command: Command,
        ip: &str,
        (port, secure): (u16, u16),
        certificate: CertificateParams,
        options: &[&str],
    ) -> Option<Self> {
        if !is_installed() {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = certificate.self_signed(&key).unwrap();
        let file = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(file("cert.pem"), certificate.pem()).unwrap();
        std::fs::write(file("key.pem"), key.serialize_pem()).unwrap();
        command
            .args(["-n", "--no-cli", "--listening-ip", ip, "--relay-ip", ip])
            .args(["--realm", "test", "--simple-log", "--log-file", "stdout"])
            .args(["--listening-port", &port.to_string(), "--tls-listening-port", &secure.to_string()])
            .args(["--cert", &file("cert.pem"), "--pkey", &file("key.pem")])
            .args(["--pidfile", &file("pid"), "--db", &file("db")])
            .args(options)
            .current_dir(folder.path());
        quiet(&mut command);
        command.stdout(std::fs::File::create(file("log")).unwrap());
        Some(Self { child: command.spawn().expect("turnserver starts"), port, secure, folder })
    }

    /// The file with its certificate.
    pub(crate) fn ca(&self) -> String {
        self.folder.path().join("cert.pem").display().to_string()
    }

    /// Waits until it has said this so often; it says more with `-v`.
    pub(crate) fn has_said(&self, text: &str, times: usize) {
        let deadline = Instant::now() + Duration::from_secs(15);
        loop {
            let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap();
            if log.matches(text).count() >= times {
                return;
            }
            assert!(Instant::now() < deadline, "turnserver did not say `{text}` {times} times:\n{log}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Until it answers a Binding request (RFC 8489 §2), or accepts TCP.
    fn wait_until_it_answers(&self, ip: &str) {
        let socket = UdpSocket::bind((ip, 0)).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let mut request = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        request.extend([7; 12]);
        let answered = (0..200).any(|_| {
            let _ = socket.send_to(&request, (ip, self.port));
            socket.recv(&mut [0; 200]).is_ok() || TcpStream::connect((ip, self.port)).is_ok()
        });
        assert!(answered, "turnserver does not answer on port {}", self.port);
    }
}

impl Drop for Coturn {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A user, and peers on loopback, which it refuses by default.
const fn with_user() -> [&'static str; 4] {
    ["--lt-cred-mech", "--allow-loopback-peers", "--user", "me:hush-right"]
}

/// Whether there is a coturn, with the reason on standard error where there is none.
pub(crate) fn is_installed() -> bool {
    let mut version = Command::new("turnserver");
    version.arg("--version");
    quiet(&mut version);
    let is_there = version.status().is_ok();
    if !is_there {
        let must = std::env::var("CALLCHECK_REQUIRE_ALL").is_ok_and(|value| value == "1");
        assert!(!must, "coturn (turnserver) is not installed, and CALLCHECK_REQUIRE_ALL=1");
        eprintln!("skipped: coturn (turnserver) is not installed; `make test` installs it");
    }
    is_there
}

fn quiet(command: &mut Command) {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
}

/// A certificate for these names.
pub(crate) fn valid_for(names: &[&str]) -> CertificateParams {
    CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap()
}
