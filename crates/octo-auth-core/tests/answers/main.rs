//! How the answers of token endpoints and of the providers' APIs are read, and what follows from them.

mod api;
mod bounds;
mod created;
mod expiry;
mod one_pass;
mod remedies;
mod salvage;
mod token;
mod verdicts;
