//! What the core decides for a spec, and what it stores. Each module has the name of the source file that it tests.

#![expect(clippy::expect_used, reason = "a test that cannot be set up must stop")]

mod answer;
mod answer_late;
mod budget;
mod caller;
mod client;
mod effects;
mod explain;
mod gate;
mod health;
mod history;
mod import;
mod lines;
mod manager;
mod operation;
mod policy;
mod record;
mod refresh_ahead;
mod regressions;
mod renewal;
mod replica;
mod request_log;
mod revocations;
mod saving;
mod scene;
mod seeds;
mod serving;
mod sighting;
mod slots;
mod state;
mod status;
mod step;
mod store;
mod validity;
mod verdict;
