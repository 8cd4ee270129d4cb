//! Sign-ins in a real browser: `octo-auth-browser BUILD-FOLDER PICTURE-FOLDER`.
//!
//! Chromium opens the address that the program shows, and the test clicks like a person.

#![expect(clippy::print_stdout, reason = "a command speaks on its standard streams")]

mod driver;
mod program;

use std::path::{Path, PathBuf};
use std::pin::Pin;

use anyhow::{Context, Result, ensure};
use octo_auth_emulator::{Emulator, Fault, generic, officernd};

use driver::Driver;
use program::Programs;

type Scene = for<'a> fn(&'a Stage) -> Pin<Box<dyn Future<Output = Result<()>> + 'a>>;

const SCENES: [(&str, Scene); 9] = [
    ("Octorate by a pasted address", |stage| Box::pin(stage.octorate_by_a_pasted_address())),
    ("a listener on each family", |stage| Box::pin(stage.a_listener_on_each_family())),
    ("a refusal", |stage| Box::pin(stage.a_refusal())),
    ("a reload", |stage| Box::pin(stage.a_reload())),
    ("a second callback during the exchange", |stage| {
        Box::pin(stage.a_second_callback_during_the_exchange())
    }),
    ("a failure", |stage| Box::pin(stage.a_failure())),
    ("pages of the emulator", |stage| Box::pin(stage.pages_of_the_emulator())),
    ("two tabs", |stage| Box::pin(stage.two_tabs())),
    ("the web example", |stage| Box::pin(stage.the_web_example())),
];

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let folder = arguments.next().context("the folder of the build is missing")?;
    let pictures = arguments.next().context("the folder for pictures is missing")?;
    for (name, scene) in SCENES {
        let play = async || scene(&Stage::start(&folder, &pictures).await?).await;
        let mut played = play().await;
        if played.as_ref().is_err_and(driver::is_of_driver) {
            println!("{name}: played once more, because the browser failed: {played:?}");
            played = play().await;
        }
        played.context(name)?;
    }
    println!("all sign-ins went as they must; pictures are in {}", pictures.display());
    Ok(())
}

/// What one scene needs. Each has its own, so that a scene can be played again.
struct Stage {
    emulator: Emulator,
    programs: Programs,
    driver: Driver,
}

impl Stage {
    async fn start(folder: &Path, pictures: &Path) -> Result<Self> {
        let stores = pictures.join("stores");
        let _ = std::fs::remove_dir_all(&stores);
        Ok(Self {
            emulator: Emulator::start()?,
            programs: Programs { folder: folder.to_owned(), stores },
            driver: Driver::start(pictures).await?,
        })
    }

    async fn octorate_by_a_pasted_address(&self) -> Result<()> {
        let browser = self.driver.profile().await?;
        let mut login = self.programs.at_octorate(&self.emulator, "hotel-17").await?;
        browser.open(&login.page).await?;
        browser.says("asks for access to", "octorate-consent").await?;
        browser.press("grant").await?;
        let address = browser.failed_to_open().await?;
        ensure!(address.starts_with("https://localhost/?code="), "the browser is at {address}");
        login.paste(&address).await?;
        let told = login.ends(0).await?;
        ensure!(told.contains("signed in, and stored in"), "{told}");
        println!("Octorate: granted, pasted, stored");
        Ok(browser.client.close().await?)
    }

    async fn a_listener_on_each_family(&self) -> Result<()> {
        for (account, uri) in [
            ("v4", "http://127.0.0.1:0/callback"),
            ("v6", "http://[::1]:0/callback"),
            ("both", "http://localhost/callback"),
        ] {
            let browser = self.driver.profile().await?;
            let login = self.programs.at_the_server(&self.emulator, account, uri).await?;
            browser.open(&login.page).await?;
            browser.says("asks for access to", "server-consent").await?;
            if account == "v4" {
                // The callback of another sign-in has no effect.
                let (_, back) = login.page.split_once("redirect_uri=").context("a redirect URI")?;
                let back = back.split('&').next().unwrap_or_default().replace("%3A", ":").replace("%2F", "/");
                browser.open(&format!("{back}?code=c&state=forged")).await?;
                browser.says("does not belong to the sign-in", "forged").await?;
                browser.open(&login.page).await?;
            }
            browser.press("grant").await?;
            browser.says("You are signed in", "signed-in").await?;
            login.ends(0).await?;
            println!("{uri}: granted, signed in, stored");
            browser.client.close().await?;
        }
        Ok(())
    }

    async fn a_refusal(&self) -> Result<()> {
        let browser = self.driver.profile().await?;
        let login =
            self.programs.at_the_server(&self.emulator, "refused", "http://127.0.0.1/callback").await?;
        browser.open(&login.page).await?;
        browser.press("refuse").await?;
        browser.says("Access was not granted", "refused").await?;
        login.ends(7).await?;
        println!("refused: said in the browser, exit code 7");
        Ok(browser.client.close().await?)
    }

    /// The person reloads the last page; the code is not used again.
    async fn a_reload(&self) -> Result<()> {
        let browser = self.driver.profile().await?;
        let login =
            self.programs.at_the_server(&self.emulator, "reload", "http://127.0.0.1/callback").await?;
        browser.open(&login.page).await?;
        browser.press("grant").await?;
        browser.says("You are signed in", "signed-in").await?;
        login.ends(0).await?;
        // The port is closed. The browser shows its own page, which its driver reports as an error.
        let _ = browser.client.refresh().await;
        browser.failed_to_open().await?;
        let exchanges = self.exchanges();
        ensure!(exchanges == 1, "{exchanges} exchanges");
        println!("reloaded: one exchange");
        Ok(browser.client.close().await?)
    }

    /// The person opens the callback again, before the provider has answered the first. They use another profile:
    /// within one, Chromium sends no second request to an address while it waits for the first answer.
    async fn a_second_callback_during_the_exchange(&self) -> Result<()> {
        let browser = self.driver.profile().await?;
        let login =
            self.programs.at_the_server(&self.emulator, "impatient", "http://127.0.0.1/callback").await?;
        browser.open(&login.page).await?;
        let callback = granted_elsewhere(&browser).await?;
        let held = self.emulator.faults().on("auth.example", "/token").hold_next();
        let tab = browser.open_in_another_tab(&callback).await?;
        let (held, has_arrived) = tokio::task::spawn_blocking(move || {
            let has_arrived = held.arrived();
            (held, has_arrived)
        })
        .await?;
        ensure!(has_arrived, "the code was not exchanged");
        let other = self.driver.profile().await?;
        other.open(&callback).await?;
        other.says("This was already done", "during-exchange").await?;
        held.release();
        browser.client.switch_to_window(tab).await?;
        browser.says("You are signed in", "signed-in").await?;
        login.ends(0).await?;
        let exchanges = self.exchanges();
        ensure!(exchanges == 1, "{exchanges} exchanges");
        println!("opened again during the exchange: said in the browser, one exchange");
        other.client.close().await?;
        Ok(browser.client.close().await?)
    }

    /// Tests a failed exchange, and an address other than the callback's.
    async fn a_failure(&self) -> Result<()> {
        let status = Fault::Status { status: 400, retry_after: None, body: None };
        self.emulator.faults().on("auth.example", "/token").next(1, status);
        let browser = self.driver.profile().await?;
        let login =
            self.programs.at_the_server(&self.emulator, "failed", "http://127.0.0.1/callback").await?;
        let (_, back) = login.page.split_once("redirect_uri=").context("a redirect URI")?;
        let back = back.split('&').next().unwrap_or_default().replace("%3A", ":").replace("%2F", "/");
        browser.open(&back.replace("/callback", "/elsewhere")).await?;
        browser.says("There is nothing at this address", "elsewhere").await?;
        browser.open(&login.page).await?;
        browser.press("grant").await?;
        browser.says("The sign-in did not succeed", "failed").await?;
        login.ends(3).await?;
        println!("failed: said in the browser, exit code 3");
        Ok(browser.client.close().await?)
    }

    async fn pages_of_the_emulator(&self) -> Result<()> {
        let browser = self.driver.profile().await?;
        let page = |host: &str, path: &str, id: &str, scope: &str| {
            let (base, back) = (self.emulator.base(host), self.emulator.callback());
            format!(
                "{base}{path}?response_type=code&client_id={id}&scope={scope}&redirect_uri={back}&state=s"
            )
        };
        let id = officernd::DEMO_CLIENT_ID;
        let scope = officernd::DEMO_PERMISSIONS[0];
        browser.open(&page("identity.officernd.com", "/oauth/authorize", id, scope)).await?;
        browser.says("asks for access to", "officernd-consent").await?;
        browser.press("grant").await?;
        browser.says("Back at the application", "back").await?;
        browser.open(&page("auth.example", "/authorize", "unknown", generic::SCOPES[0])).await?;
        browser.says("This request cannot be answered", "server-error").await?;
        Ok(browser.client.close().await?)
    }

    /// Returns the count of codes that the emulator received.
    fn exchanges(&self) -> usize {
        self.emulator.log().iter().filter(|entry| entry.to_string().contains("&code=")).count()
    }

    async fn two_tabs(&self) -> Result<()> {
        let browser = self.driver.profile().await?;
        let uri = "http://127.0.0.1/callback";
        let first = self.programs.at_the_server(&self.emulator, "first", uri).await?;
        let second = self.programs.at_the_server(&self.emulator, "second", uri).await?;
        browser.open(&first.page).await?;
        let tab_of_first = browser.client.window().await?;
        let tab_of_second = browser.client.new_window(true).await?.handle;
        browser.client.switch_to_window(tab_of_second).await?;
        browser.open(&second.page).await?;
        browser.press("grant").await?;
        browser.says("You are signed in", "second-tab").await?;
        second.ends(0).await?;
        browser.client.switch_to_window(tab_of_first).await?;
        browser.press("grant").await?;
        browser.says("You are signed in", "first-tab").await?;
        first.ends(0).await?;
        println!("two tabs: both signed in");
        Ok(browser.client.close().await?)
    }

    /// Tests two hotels in two profiles, and the callback of one in the profile of the other.
    async fn the_web_example(&self) -> Result<()> {
        let (_replicas, addresses) = program::hotel_web(&self.programs.folder).await?;
        let [first, second] = addresses.as_slice() else { anyhow::bail!("two replicas, not {addresses:?}") };
        let (ann, ben) = (self.driver.profile().await?, self.driver.profile().await?);
        ann.open(&format!("{first}/login/aurora")).await?;
        ann.says("asks for access to", "web-consent").await?;
        ann.press("grant").await?;
        ann.says("aurora: signed in", "web-signed-in").await?;
        ann.says("bellevue: not signed in", "web-signed-in").await?;

        // Ann's browser stays at the provider's page; the address to which it would go is opened in Ben's browser.
        ann.open(&format!("{second}/login/bellevue")).await?;
        let callback = granted_elsewhere(&ann).await?;
        ben.open(&callback).await?;
        ben.says("This sign-in began in another browser", "web-other-browser").await?;
        ann.open(&callback).await?;
        ann.says("bellevue: signed in", "web-both").await?;
        ann.open(&callback).await?;
        ann.says("or is over", "web-again").await?;
        ann.client.refresh().await?;
        ann.says("or is over", "web-again").await?;
        // The owner refuses.
        ann.open(&format!("{first}/login/aurora")).await?;
        ann.press("refuse").await?;
        ann.says("Access was not granted", "web-refused").await?;
        println!("web example: two hotels, two replicas, and a callback in the wrong profile");
        ann.client.close().await?;
        Ok(ben.client.close().await?)
    }
}

/// Grants access at the page of a browser, without that browser. Returns the address to which it would go.
async fn granted_elsewhere(browser: &driver::Profile) -> Result<String> {
    let page = browser.client.current_url().await?.to_string();
    let granted = tokio::task::spawn_blocking(move || {
        octo_auth_emulator::Browser::new().open(&page).and_then(|page| page.grant())
    });
    Ok(granted.await??)
}
