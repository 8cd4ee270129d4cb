//! `octo-auth demo`: every flow of every provider, through both adapters, over real sockets.
//!
//! A chapter contains the flows of one provider, written once. Each adapter plays it against a separate emulator, so
//! that neither sees the other's requests in a limit or a log. Then the results of both are shown side by side.

mod adapter;
mod chapter;
mod generic;
mod octorate;
mod octotable;
mod officernd;
mod passing;
mod renderer;
mod simulated_day;
mod stage;
mod stopped;

use crate::failure::{Exit, Failure};
use crate::output::Output;
use adapter::Adapter;
use chapter::Chapter;

const CHAPTERS: [Chapter; 5] = [
    Chapter {
        provider: "octotable",
        title: "OctoTable",
        about: "The client itself is the grant: id and secret in a form, a token back, no refresh token. The answer \
                says `type` where the standard says `token_type`, and every call of the API names a property.",
        begins: None,
        play: octotable::play,
    },
    Chapter {
        provider: "octorate",
        title: "Octorate",
        about: "The owner of a property grants access on a page; the code that comes back lives a minute and is \
                worth a token for that property. ApiLogin gives another kind of token, for administration.",
        begins: None,
        play: octorate::play,
    },
    Chapter {
        provider: "officernd",
        title: "OfficeRND",
        about: "Client credentials with scopes, and no more than five token requests a minute. The vendor's own \
                samples also use the authorization code.",
        begins: None,
        play: officernd::play,
    },
    Chapter {
        provider: "rfc6749",
        title: "A standard server",
        about: "Any server that keeps to RFC 6749, here with PKCE (RFC 7636), the issuer in the callback (RFC 9207), \
                revocation (RFC 7009) and introspection (RFC 7662).",
        begins: None,
        play: generic::play,
    },
    Chapter {
        provider: "lifecycle",
        title: "A day in a token's life",
        about: "One account of the standard server, asked for its token every minute of a simulated day. A mark a \
                minute: · served, R served and renewed, x served though a renewal failed, ! not served.",
        begins: Some(simulated_day::BEGINS),
        play: simulated_day::play,
    },
];

/// Plays all chapters and shows them. The exit code says whether every step succeeded.
///
/// # Errors
///
/// Returns a [`Failure`] if an adapter or an emulator cannot be started, or if the output cannot be written.
pub(crate) fn run(json: bool, output: &mut Output) -> Result<Exit, Failure> {
    let adapters = [Adapter::asynchronous()?, Adapter::blocking()?];
    let mut tally = renderer::Tally::default();
    if !json {
        renderer::opening(output)?;
    }
    for chapter in &CHAPTERS {
        let plays = adapters.iter().map(|adapter| chapter.play(adapter)).collect::<Result<Vec<_>, _>>()?;
        for step in plays.iter().flat_map(|play| &play.steps) {
            tally.count(step);
        }
        if json {
            renderer::as_json(chapter, &plays, output)?;
        } else {
            renderer::for_people(chapter, &plays, output)?;
        }
    }
    output.line(if json { tally.as_json() } else { tally.for_people(output.width()) })?;
    Ok(if tally.failed() == 0 { Exit::Done } else { Exit::No })
}
