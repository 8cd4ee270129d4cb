//! The scripts, which the server runs atomically.

use redis::{Cmd, Script};

/// Writes a record if its version is the expected one. A separate hash keeps the last version of each record, even
/// after the record is gone. So a record that is gone is not mistaken for one that never existed, and its versions
/// continue.
///
/// Keys: the record, the last versions. Arguments: the name; the expected version, empty for none; the version to
/// write; the last version, if none is expected; the id of the key, or empty; the content; the channel of notices, or
/// empty. Returns 1 on success. Otherwise returns the stored version, key and content; or the last version of a record
/// that is gone; or nil.
const SAVE: &str = "
local held = redis.call('HMGET', KEYS[1], 'version', 'key', 'content')
if ARGV[2] ~= '' then
  if not held[1] then return false end
  if held[1] ~= ARGV[2] then return held end
else
  if held[1] then return held end
  local last = redis.call('HGET', KEYS[2], ARGV[1]) or '0'
  if last ~= ARGV[4] then return last end
end
redis.call('HSET', KEYS[1], 'version', ARGV[3], 'key', ARGV[5], 'content', ARGV[6])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
if ARGV[7] ~= '' then redis.call('PUBLISH', ARGV[7], ARGV[1]) end
return 1";

/// Seals a record again. Keys: the record. Arguments: the version and the key id that it must have, the new key id, the
/// content. Returns whether the record was changed.
const RESEAL: &str = "
local held = redis.call('HMGET', KEYS[1], 'version', 'key')
if held[1] ~= ARGV[1] or held[2] ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 'key', ARGV[3], 'content', ARGV[4])
return 1";

/// Takes a claim. Keys: the claim. Arguments: the owner, milliseconds. Returns nil on success, or the remaining
/// milliseconds of another owner.
const CLAIM: &str = "
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return redis.call('PTTL', KEYS[1]) end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return false";

/// Releases a claim. Keys: the claim. Arguments: the owner.
const RELEASE: &str = "
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1";

/// The scripts, each with its digest.
pub(crate) struct Scripts {
    pub(crate) save: Prepared,
    pub(crate) reseal: Prepared,
    pub(crate) claim: Prepared,
    pub(crate) release: Prepared,
}

/// A script, and the digest by which a server finds it after the first run.
pub(crate) struct Prepared {
    text: &'static str,
    digest: String,
}

impl Scripts {
    pub(crate) fn new() -> Self {
        let prepared = |text| Prepared { text, digest: Script::new(text).get_hash().to_owned() };
        Self {
            save: prepared(SAVE),
            reseal: prepared(RESEAL),
            claim: prepared(CLAIM),
            release: prepared(RELEASE),
        }
    }
}

impl Prepared {
    /// Returns two commands: one that names the script by its digest, and one that sends it in full, for a server that
    /// does not know it.
    pub(crate) fn commands(&self, keys: &[&str], arguments: &[&[u8]]) -> [Cmd; 2] {
        [("EVALSHA", self.digest.as_str()), ("EVAL", self.text)].map(|(command, script)| {
            let mut command = redis::cmd(command);
            command.arg(script).arg(keys.len()).arg(keys).arg(arguments);
            command
        })
    }
}
