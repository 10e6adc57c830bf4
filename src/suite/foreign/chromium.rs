//! Chromium without a window, on the page of a room server that we start for it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::FutureExt;
use futures::channel::oneshot;

use super::process::Process;
use super::{Absent, Guest, ROOM};
use crate::jsep::Role;
use crate::server::{Server, ServerConfig};
use crate::world::{Live, World, spawn};

/// Where it is looked for, in this order, after the one that CALLCHECK_CHROMIUM or CHROME names.
const NAMES: [&str; 5] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];

/// With the fake user interface Chromium shows its real addresses instead of names that only mDNS resolves; with the
/// loopback switch it has an address even where the machine has no network. Root, and most containers, cannot have the
/// sandbox; the page is our own.
const SWITCHES: [&str; 14] = [
    "--headless=new",
    "--no-sandbox",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-gpu",
    "--disable-quic",
    "--disable-component-update",
    "--disable-background-networking",
    "--disable-crash-reporter",
    "--disable-dev-shm-usage",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--autoplay-policy=no-user-gesture-required",
];

pub(super) async fn start(
    live: &Live,
    world: &Arc<dyn World>,
    role: Role,
    settings: &[(&'static str, String)],
) -> Result<Guest, Absent> {
    let Some(browser) = find() else {
        let why = "no Chromium is installed; install one, or name it with CALLCHECK_CHROMIUM";
        return Err(Absent::Skipped(why.to_owned()));
    };
    let address = ([127, 0, 0, 1], 0).into();
    let server = Server::bind(Arc::clone(world), address, ServerConfig::default())
        .await
        .map_err(|error| Absent::Failed(error.to_string()))?;
    let (hub, address) = (server.hub().clone(), server.local_addr());
    let (shutdown, shut_down) = oneshot::channel::<()>();
    let serving = spawn(&**world, async move { server.run(shut_down.map(|_| ())).await });
    let profile = Profile::new().map_err(|error| Absent::Failed(format!("no profile: {error}")))?;
    let query: String = settings.iter().map(|(key, value)| format!("&{key}={value}")).collect();
    let mut command = Command::new(&browser);
    command
        .args(SWITCHES)
        .arg(format!("--user-data-dir={}", profile.0.display()))
        .arg("--remote-debugging-port=0")
        .arg(format!("http://{address}/?room={ROOM}&role={role}{query}"));
    let (process, _) = Process::start(live, command, false)
        .map_err(|error| Absent::Failed(format!("{} does not start: {error}", browser.display())))?;
    let ended = process.ended(world);
    let gone = async move {
        let how = ended.await;
        format!("Chromium, which plays the {role}, ended before the call did: {how}")
    };
    // In this order: the browser first, then what it used.
    let running = Box::new((process, profile, shutdown, serving));
    Ok(Guest { hub, gone: gone.boxed(), notes: Box::new(Vec::new), _running: running })
}

fn find() -> Option<PathBuf> {
    let named = ["CALLCHECK_CHROMIUM", "CHROME"].into_iter().find_map(std::env::var_os);
    if let Some(named) = named.filter(|named| !named.is_empty()) {
        return Some(PathBuf::from(named));
    }
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let in_folder = |name: &&str| folders.iter().map(|folder| folder.join(name)).find(|file| file.is_file());
    NAMES.iter().find_map(in_folder)
}

/// A folder of its own, gone afterwards.
struct Profile(PathBuf);

impl Profile {
    fn new() -> std::io::Result<Self> {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("callcheck-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Profile {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

/// A browser that was killed may write for a moment more.
fn remove(path: &Path) {
    for _ in 0..5 {
        if std::fs::remove_dir_all(path).is_ok() || !path.exists() {
            return;
        }
    }
}
