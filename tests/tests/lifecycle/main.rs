//! The life of a token in the bare core: what callers are told, what is asked for and when, what is left behind.

mod accounts;
mod budget;
mod decisions;
mod ends;
mod fleet_budget;
mod handles;
mod late;
mod numbers;
mod overtaken;
mod regressions;
mod revocations;
mod setbacks;
mod siblings;
mod status;
mod steps;
mod store;
mod table;
