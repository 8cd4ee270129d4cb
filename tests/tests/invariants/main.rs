//! The project's invariants as properties of arbitrary worlds, in the order of a token's life.
//!
//! The name of each property contains the number of its invariant; `cargo xtask invariants` lists them. A failing
//! sequence is shrunk and printed with the end of its trace, and its seed is stored beside these files.

mod addresses;
mod deciding;
mod refresh_tokens;
mod requests;
mod rules;
mod serving;
mod worlds;
