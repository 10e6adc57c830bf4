//! A headless Chromium on the page of a room server. Nothing of it is left when it is dropped.

use std::time::Duration;

use chromiumoxide::cdp::js_protocol::runtime::EvaluateParams;
use chromiumoxide::detection::{DetectionOptions, default_executable};
use chromiumoxide::{Browser, BrowserConfig, Page};
use futures::StreamExt;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::harness::DEADLINE;

/// With the fake user interface Chromium shows its real addresses instead of names that only mDNS resolves; with the
/// loopback switch it has an address even where the machine has no network.
const SWITCHES: [&str; 8] = [
    "disable-gpu",
    "disable-quic",
    "disable-component-update",
    "use-fake-device-for-media-stream",
    "use-fake-ui-for-media-stream",
    "allow-loopback-in-peer-connection",
    "disable-crash-reporter",
    "no-default-browser-check",
];

/// How long Chromium may take to leave when asked; then it is killed.
const LEAVE_WITHIN: Duration = Duration::from_secs(5);

/// A browser with one page in a call.
pub(crate) struct Chromium {
    runtime: Runtime,
    browser: Browser,
    page: Page,
    profile: Option<tempfile::TempDir>,
}

impl Chromium {
    /// Opens the page of a room server, as [`Chromium::visit`] does. None, with the reason on standard error, where no
    /// Chromium is installed.
    pub(crate) fn open(room: &str, settings: &str) -> Option<Self> {
        let chromium = Self::launch()?;
        chromium.visit(room, settings);
        Some(chromium)
    }

    /// Starts the browser with an empty page.
    pub(crate) fn launch() -> Option<Self> {
        let executable = match default_executable(DetectionOptions { msedge: false, unstable: false }) {
            Ok(executable) => executable,
            Err(reason) => {
                let must = std::env::var("CALLCHECK_REQUIRE_ALL").is_ok_and(|value| value == "1");
                assert!(!must, "Chromium is not installed ({reason}), and CALLCHECK_REQUIRE_ALL=1");
                // cargo shows it with --nocapture; `make test` has said the same.
                eprintln!("skipped: Chromium is not installed; `make test` installs it");
                return None;
            }
        };
        let profile = tempfile::tempdir().unwrap();
        let config = BrowserConfig::builder()
            .chrome_executable(executable)
            .new_headless_mode()
            // Root, and most containers, cannot have the sandbox; the page is our own.
            .no_sandbox()
            .user_data_dir(profile.path())
            .launch_timeout(DEADLINE)
            .request_timeout(2 * DEADLINE)
            .args(SWITCHES)
            .arg(("autoplay-policy", "no-user-gesture-required"))
            .build()
            .unwrap();
        let runtime = Runtime::new().unwrap();
        let (browser, page) = runtime.block_on(async {
            let (browser, mut handler) = Browser::launch(config).await.expect("Chromium starts");
            tokio::spawn(async move { while handler.next().await.is_some() {} });
            let page = browser.new_page("about:blank").await.expect("the page opens");
            (browser, page)
        });
        Some(Self { runtime, browser, page, profile: Some(profile) })
    }

    /// Opens the page of the room server at `room` (`ws://...`) with these settings in its URL, and waits until it has
    /// joined.
    pub(crate) fn visit(&self, room: &str, settings: &str) {
        let url = format!("{}/?room=demo&{settings}", room.replacen("ws", "http", 1));
        self.open_page(&url);
        self.until("window.callcheck && callcheck.state().stage !== 'connecting'");
    }

    /// Opens a page and waits until it is loaded.
    pub(crate) fn open_page(&self, url: &str) {
        self.runtime
            .block_on(async {
                self.page.goto(url).await.expect("the page opens").wait_for_navigation().await
            })
            .expect("the page loads");
    }

    /// The value of an expression, of a promise once it is fulfilled.
    #[track_caller]
    pub(crate) fn value<T: DeserializeOwned>(&self, expression: &str) -> T {
        let value = self.evaluate(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
        serde_json::from_value(value).unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    /// Waits until an expression, which may be a promise, is true.
    #[track_caller]
    pub(crate) fn until(&self, expression: &str) {
        let wait = format!(
            "(async () => {{ while (!await ({expression})) await new Promise((go) => setTimeout(go, 20)); }})()"
        );
        if let Err(error) = self.evaluate(&wait) {
            let seen = "JSON.stringify([callcheck.transceivers(), callcheck.events], (key, value) => \
                        key === 'sdp' ? undefined : value, 1)";
            let seen = self.evaluate(seen).ok().and_then(|seen| seen.as_str().map(str::to_owned));
            panic!("not so: {expression}: {error}\n{}", seen.unwrap_or_default());
        }
    }

    fn evaluate(&self, expression: &str) -> Result<Value, String> {
        let evaluate = EvaluateParams::builder()
            .expression(expression)
            .await_promise(true)
            .return_by_value(true)
            .build()
            .unwrap();
        let evaluated =
            self.runtime.block_on(async { timeout(DEADLINE, self.page.evaluate(evaluate)).await });
        let evaluated = evaluated.map_err(|_| format!("took longer than {DEADLINE:?}"))?;
        Ok(evaluated.map_err(|error| error.to_string())?.value().cloned().unwrap_or_default())
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let browser = &mut self.browser;
        self.runtime.block_on(async {
            let left = async {
                browser.close().await.ok()?;
                browser.wait().await.ok()
            };
            if !matches!(timeout(LEAVE_WITHIN, left).await, Ok(Some(_))) {
                let _ = browser.kill().await;
            }
        });
        // Its last processes may still write.
        let Some(profile) = self.profile.take() else { return };
        let path = profile.keep();
        for _ in 0..100 {
            if std::fs::remove_dir_all(&path).is_ok() || !path.exists() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        eprintln!("{} could not be removed", path.display());
    }
}
