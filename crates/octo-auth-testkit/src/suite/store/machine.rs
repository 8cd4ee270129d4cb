//! Checks with machines on the store: each machine finds only its own records, and uses none that it cannot read.

use octo_auth_core::{
    Client, Imported, Job, Policy, RecordBytes, RecordName, Report, Secret, TokenErrorKind, TokenManager,
    TokenSpec, Verdict,
};

use super::names::lists;
use super::operations::{failed, holds, load, put};
use crate::registration::{self, CLIENT_SECRET};
use crate::suite::Shelf;
use crate::suite::found::{Found, expect};
use crate::{StoredRecord, moment};

/// A limit above the number of jobs of any sign-in or read.
const MOST_JOBS: usize = 32;

/// Checks two clients of one provider and one client each of two other providers. All have an account of the same
/// name.
pub(super) async fn registrations(shelf: &impl Shelf) -> Found {
    let key = TokenSpec::account("octo-auth-testkit registrations");
    let profile = registration::standard().profile().clone();
    let client = |id| Client::new(profile.clone(), id, CLIENT_SECRET).map_err(|error| error.to_string());
    let clients =
        [client("client-2")?, client("client-3")?, registration::octorate(), registration::officernd()];
    let token = |number: usize| format!("rt-{number}");
    for (number, client) in clients.iter().enumerate() {
        Process::new(shelf, client).sign_in(&key, &token(number)).await?;
    }
    for (number, client) in clients.iter().enumerate() {
        let name = RecordName::new(client, &key);
        let stored = load(shelf, &name).await?.and_then(|stored| StoredRecord::read(&stored.content));
        let is_own = stored.is_some_and(|record| record.refresh_token() == Some(&token(number)));
        expect(is_own, || format!("{name} does not hold what its own registration stored"))?;
        lists(shelf, name.registration(), &[&name]).await?;
    }
    Ok(())
}

/// Checks a record that a newer release wrote.
pub(super) async fn newer(shelf: &impl Shelf) -> Found {
    let (client, key) = (registration::standard(), TokenSpec::account("octo-auth-testkit newer"));
    let record = StoredRecord::empty(&client, &key).with("v", 2).with("refresh_token", "rt-newer");
    is_left_alone(shelf, &key, &record.content()).await
}

/// Checks a record of one account that is stored under the name of another.
pub(super) async fn misplaced(shelf: &impl Shelf) -> Found {
    let (client, other) = (registration::standard(), TokenSpec::account("octo-auth-testkit other account"));
    Process::new(shelf, &client).sign_in(&other, "rt-other").await?;
    let stored = load(shelf, &RecordName::new(&client, &other)).await?;
    let stored = stored.ok_or("what was stored is gone")?;
    is_left_alone(shelf, &TokenSpec::account("octo-auth-testkit misplaced"), &stored.content).await
}

/// Returns an error unless a machine that finds this content returns an error to its caller, sends no request, and
/// leaves the record unchanged, even after a sign-in.
async fn is_left_alone(shelf: &impl Shelf, key: &TokenSpec, content: &RecordBytes) -> Found {
    let client = registration::standard();
    let name = RecordName::new(&client, key);
    let version = put(shelf, &name, None, content).await?;
    let mut process = Process::new(shelf, &client);
    process.ask_in_vain(key).await?;
    process.sign_in(key, "rt-mine").await?;
    holds(shelf, &name, version, content).await
}

/// A process: a machine whose jobs run on the store. It sends no requests.
struct Process<'s, S> {
    shelf: &'s S,
    manager: TokenManager,
}

impl<'s, S: Shelf> Process<'s, S> {
    fn new(shelf: &'s S, client: &Client) -> Self {
        let (policy, entropy) = (Policy::default(), registration::entropy());
        Self { shelf, manager: TokenManager::new(client.clone(), policy, shelf.storage(), &entropy) }
    }

    async fn sign_in(&mut self, key: &TokenSpec, refresh_token: &str) -> Found {
        let imported = Imported::RefreshToken(Secret::from(refresh_token));
        let job = self.manager.import(key, imported, moment::start()).map_err(|error| error.to_string())?;
        self.carry(job).await
    }

    /// Asks for a token. Returns an error unless the answer is that the store cannot be used.
    async fn ask_in_vain(&mut self, key: &TokenSpec) -> Found {
        for _ in 0..MOST_JOBS {
            match self.manager.decide(key, moment::start()).verdict {
                Verdict::Run(job) => self.carry(Some(job)).await?,
                Verdict::GiveUp(failure) => {
                    let is_the_store = failure.kind() == TokenErrorKind::StoreUnavailable;
                    return expect(is_the_store, || format!("the caller was told: {failure}"));
                }
                other => return Err(format!("the caller was told: {other:?}")),
            }
        }
        Err("the record is read again and again".to_owned())
    }

    /// Runs a job and all jobs that follow from it.
    async fn carry(&mut self, mut job: Option<Job>) -> Found {
        for _ in 0..MOST_JOBS {
            let Some(next) = job else { return Ok(()) };
            let report = self.carried(next).await?;
            job = self.manager.report(report, moment::start());
        }
        Err("one job follows another without end".to_owned())
    }

    async fn carried(&self, job: Job) -> Result<Report, String> {
        let shelf = self.shelf;
        Ok(match job {
            Job::Load(job) => {
                let stored = shelf.load(job.name()).await.map_err(failed)?;
                job.loaded(Ok(stored))
            }
            Job::Claim(job) => {
                let claimed = shelf.claim(job.name(), job.owner(), job.ttl()).await.map_err(failed)?;
                job.claimed(Ok(claimed))
            }
            Job::Save(job) => {
                let saved = shelf.swap(job.name(), job.expected(), job.content()).await.map_err(failed)?;
                job.saved(Ok(saved))
            }
            Job::Release(job) => {
                shelf.release(job.name(), job.owner()).await.map_err(failed)?;
                job.released()
            }
            Job::Send(job) => return Err(format!("a request is sent for {}", job.spec())),
        })
    }
}
