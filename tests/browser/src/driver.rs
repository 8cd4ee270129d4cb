//! Chromium, driven by chromedriver: browser profiles, and screenshots of the pages.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result};
use fantoccini::error::{CmdError, NewSessionError};
use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand, WindowHandle};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// A phone's width, in CSS pixels.
const WIDTH: u32 = 390;

/// The views of each page: the name of the picture, width and height in CSS pixels, and whether the page is dark.
const VIEWS: [(&str, u32, u32, bool); 3] =
    [("desktop", 1280, 800, false), ("phone-dark", WIDTH, 700, true), ("phone", WIDTH, 700, false)];

/// Whether the browser or its driver failed, and not what they were to show.
pub(crate) fn is_of_driver(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.is::<NewSessionError>()
            || cause.downcast_ref().is_some_and(|error| !matches!(error, CmdError::WaitTimeout))
    })
}

/// A running chromedriver. Dropping this value ends it.
pub(crate) struct Driver {
    _process: Child,
    address: String,
    pictures: PathBuf,
}

/// One browser with separate cookies.
pub(crate) struct Profile {
    pub(crate) client: Client,
    pictures: PathBuf,
}

impl Driver {
    /// Starts chromedriver on a free port. Pictures go to a folder.
    pub(crate) async fn start(pictures: &Path) -> Result<Self> {
        std::fs::create_dir_all(pictures)?;
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut process = command.spawn().context("chromedriver cannot be started")?;
        let mut lines = BufReader::new(process.stdout.take().context("no output")?).lines();
        let port = loop {
            let line = lines.next_line().await?.context("chromedriver ended before it listened")?;
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                break port.trim_end_matches('.').to_owned();
            }
        };
        // Its further output is read, so that it never blocks on a full pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self {
            _process: process,
            address: format!("http://127.0.0.1:{port}"),
            pictures: pictures.to_owned(),
        })
    }

    /// Opens a browser with a new profile, as wide as a phone.
    pub(crate) async fn profile(&self) -> Result<Profile> {
        // Root cannot use the sandbox, and a container has little shared memory.
        let arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];
        let phone = json!({"deviceMetrics": {"width": WIDTH, "height": 700, "pixelRatio": 1.0}});
        let mut capabilities = Capabilities::new();
        capabilities
            .insert("goog:chromeOptions".to_owned(), json!({"args": arguments, "mobileEmulation": phone}));
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let client = builder.capabilities(capabilities).connect(&self.address).await.context("no browser")?;
        Ok(Profile { client, pictures: self.pictures.clone() })
    }
}

impl Profile {
    /// Opens an address. For an unreachable page the browser shows its own error page.
    pub(crate) async fn open(&self, address: &str) -> Result<()> {
        match self.client.goto(address).await {
            Err(error) if error.to_string().contains("ERR_CONNECTION_REFUSED") => Ok(()),
            other => Ok(other?),
        }
    }

    /// Opens an address in another tab, and does not wait for its page. Returns that tab.
    pub(crate) async fn open_in_another_tab(&self, address: &str) -> Result<WindowHandle> {
        let before = self.client.windows().await?;
        self.client.execute("window.open(arguments[0])", vec![json!(address)]).await?;
        let tabs = self.client.windows().await?;
        tabs.into_iter().find(|tab| !before.contains(tab)).context("no other tab was opened")
    }

    /// Presses the button of a consent page: `grant` or `refuse`.
    pub(crate) async fn press(&self, decision: &str) -> Result<()> {
        let button = format!("button[value={decision}]");
        let button = self.client.wait().for_element(Locator::Css(&button)).await.context("no such button")?;
        match button.click().await {
            Err(error) if error.to_string().contains("ERR_CONNECTION_REFUSED") => Ok(()),
            other => Ok(other?),
        }
    }

    /// Waits for the browser's own error page, which it shows if no program listens. Returns the address in the bar.
    pub(crate) async fn failed_to_open(&self) -> Result<String> {
        self.client
            .wait()
            .for_element(Locator::Css("#main-frame-error"))
            .await
            .context("no page of its own")?;
        Ok(self.client.current_url().await?.to_string())
    }

    /// Checks that the page contains these words and is not wider than its window. Takes pictures of it: on a phone,
    /// light and dark, and on a desktop.
    pub(crate) async fn says(&self, words: &str, picture: &str) -> Result<()> {
        // A click returns before the next page is loaded.
        let body = format!("//body[contains(normalize-space(.), {words:?})]");
        let found = self.client.wait().for_element(Locator::XPath(&body)).await;
        let address = self.client.current_url().await?;
        for (view, width, height, is_dark) in VIEWS {
            let metrics =
                json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width == WIDTH});
            self.tell_browser("Emulation.setDeviceMetricsOverride", metrics).await?;
            let scheme = if is_dark { "dark" } else { "light" };
            let scheme = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
            self.tell_browser("Emulation.setEmulatedMedia", scheme).await?;
            let bytes = self.client.screenshot().await?;
            std::fs::write(self.pictures.join(format!("{picture}-{view}.png")), bytes)?;
            let wide = self.client.execute("return document.documentElement.scrollWidth", Vec::new()).await?;
            anyhow::ensure!(
                wide.as_u64() <= Some(u64::from(width)),
                "{address} is {wide} wide; see {picture}-{view}.png"
            );
        }
        if found.is_err() {
            let text = self.client.execute("return document.body.innerText", Vec::new()).await?;
            anyhow::bail!("{address} does not say {words:?}, but {text}; see {picture}-phone.png");
        }
        Ok(())
    }

    /// Sends a command of Chromium's own protocol.
    async fn tell_browser(&self, command: &'static str, parameters: Value) -> Result<()> {
        self.client.issue_cmd(Told { command, parameters }).await.with_context(|| command)?;
        Ok(())
    }
}

/// A command of Chromium's own protocol, which the driver forwards.
#[derive(Debug)]
struct Told {
    command: &'static str,
    parameters: Value,
}

impl WebDriverCompatibleCommand for Told {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(json!({"cmd": self.command, "params": self.parameters}).to_string()))
    }
}
