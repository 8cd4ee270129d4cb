//! The emulated hosts, and the provider behind each.

use super::house::House;
use crate::call::Call;
use crate::consent;
use crate::reply::Reply;

/// The emulated hosts; each is a path prefix of the emulator's address.
pub const HOSTS: [&str; 7] = [
    "api.octorate.com",
    "admin.octorate.com",
    "api.octotable.com",
    "identity.officernd.com",
    "app.officernd.com",
    "hybrid.officernd.com",
    "auth.example",
];

/// Routes a request. Each emulated host belongs to one provider, except `api.octorate.com`, which also serves the older
/// base of OctoTable (S0).
pub(super) fn route(house: &House, call: &Call) -> Reply {
    match call.host.as_str() {
        "api.octorate.com" if call.path.starts_with("/octotable-") => house.octotable.answer(call),
        "admin.octorate.com" | "api.octorate.com" => house.octorate.answer(call),
        "api.octotable.com" => house.octotable.answer(call),
        "identity.officernd.com" | "app.officernd.com" | "hybrid.officernd.com" => {
            house.officernd.answer(call)
        }
        "auth.example" => house.generic.answer(call),
        "callback" => consent::arrival(call),
        "" => Reply::text(200, &directory()),
        _ => Reply::text(404, &directory()),
    }
}

fn directory() -> String {
    let hosts = HOSTS.map(|host| format!("/{host}\n")).concat();
    format!("This is an emulator. Each of these hosts is a path prefix of this address:\n{hosts}")
}
