//! The serialized form of foreign types in a plan.

/// The kind of store.
pub(super) mod storage {
    use octo_auth_core::Storage;
    use serde::de::{Deserialize as _, Deserializer, Error as _};
    use serde::ser::Serializer;

    const NAMES: [(Storage, &str); 3] =
        [(Storage::None, "None"), (Storage::SingleProcess, "Private"), (Storage::MultiProcess, "Shared")];

    pub(in crate::world) fn serialize<S: Serializer>(storage: &Storage, to: S) -> Result<S::Ok, S::Error> {
        let name = NAMES.iter().find(|(known, _)| known == storage).map_or("None", |(_, name)| name);
        to.serialize_str(name)
    }

    pub(in crate::world) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Storage, D::Error> {
        let name = String::deserialize(from)?;
        let known = NAMES.iter().find(|(_, known)| *known == name).map(|(storage, _)| *storage);
        known.ok_or_else(|| D::Error::custom(format!("unknown storage `{name}`: None, Private or Shared")))
    }
}

/// The error code of a refusal.
pub(super) mod code {
    use serde::de::{Deserialize as _, Deserializer, Error as _};
    use serde::ser::Serializer;

    /// The codes that simulated servers answer with.
    const CODES: [&str; 9] = [
        "invalid_client",
        "invalid_grant",
        "invalid_request",
        "invalid_scope",
        "server_error",
        "slow_down",
        "temporarily_unavailable",
        "unauthorized_client",
        "unsupported_grant_type",
    ];

    pub(in crate::world) fn serialize<S: Serializer>(
        code: &Option<&'static str>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match code {
            Some(code) => to.serialize_some(code),
            None => to.serialize_none(),
        }
    }

    pub(in crate::world) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<&'static str>, D::Error> {
        let Some(name) = Option::<String>::deserialize(from)? else { return Ok(None) };
        let known = CODES.into_iter().find(|known| **known == *name);
        known
            .map(Some)
            .ok_or_else(|| D::Error::custom(format!("unknown code `{name}`: {}", CODES.join(", "))))
    }
}
