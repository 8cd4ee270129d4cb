//! What is read in the answers of token endpoints and of the providers' APIs, and what follows from it.

mod api;
mod bounds;
mod created;
mod expiry;
mod one_pass;
mod remedies;
mod salvage;
mod token;
mod verdicts;
