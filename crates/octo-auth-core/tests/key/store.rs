//! The traits and errors of a store.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use octo_auth_core::{
    ChangeListener, Claimed, Diagnostic, RecordBytes, RecordName, Saved, Storage, Store, StoreError, Stored,
    Version,
};
use octo_auth_testkit::machine::hotel;
use octo_auth_testkit::registration::standard;

/// A store with one fixed result for each call.
struct Fixed;

impl Store for Fixed {
    fn storage(&self) -> Storage {
        Storage::MultiProcess
    }

    fn load(&self, _: &RecordName) -> Result<Option<Stored>, StoreError> {
        Ok(Some(Stored { version: Version(7), content: RecordBytes::from(&b"{}"[..]) }))
    }

    fn compare_and_swap(
        &self,
        _: &RecordName,
        _: Option<Version>,
        _: &RecordBytes,
    ) -> Result<Saved, StoreError> {
        Ok(Saved::Done(Version(8)))
    }

    fn claim(&self, _: &RecordName, _: &str, ttl: Duration) -> Result<Claimed, StoreError> {
        Ok(Claimed::Held(ttl))
    }

    fn release(&self, _: &RecordName, _: &str) -> Result<(), StoreError> {
        Err(StoreError::new("it is kept"))
    }

    fn list(&self, prefix: &str) -> Result<Vec<RecordName>, StoreError> {
        let name = RecordName::new(&standard(), &hotel());
        Ok([name].into_iter().filter(|name| name.as_str().starts_with(prefix)).collect())
    }

    fn changes(&self, listener: ChangeListener) -> bool {
        listener(&RecordName::new(&standard(), &hotel()));
        true
    }
}

#[test]
fn a_store_error_has_its_cause_as_source() {
    let cause = std::io::Error::other("no space left");
    let fault = StoreError::new("the record was not written").with_source(cause);
    assert_eq!(fault.to_string(), "the record was not written");
    assert_eq!(fault.source().map(ToString::to_string).as_deref(), Some("no space left"));
    assert!(StoreError::new("alone").source().is_none());
}

#[test]
fn a_store_in_an_arc_is_the_same_store() {
    let (store, minute) = (Arc::new(Fixed), Duration::from_secs(60));
    let (name, content) = (RecordName::new(&standard(), &hotel()), RecordBytes::from(&b"{}"[..]));
    assert_eq!(Store::storage(&store), Storage::MultiProcess);
    assert_eq!(Store::load(&store, &name).ok().flatten().map(|stored| stored.version), Some(Version(7)));
    let saved = Store::compare_and_swap(&store, &name, None, &content);
    assert_eq!(saved.ok(), Some(Saved::Done(Version(8))));
    assert_eq!(Store::claim(&store, &name, "me", minute).ok(), Some(Claimed::Held(minute)));
    assert!(Store::release(&store, &name, "me").is_err());
    assert_eq!(Store::list(&store, name.registration()).ok(), Some(vec![name.clone()]));
    assert_eq!(Store::list(&store, "other").ok(), Some(Vec::new()));
    let (named, heard) = (name.clone(), Arc::new(AtomicBool::new(false)));
    let listener = heard.clone();
    assert!(Store::changes(&store, Arc::new(move |name| listener.store(*name == named, Ordering::SeqCst))));
    assert!(heard.load(Ordering::SeqCst));
}

/// A store with only the required methods.
struct Least;

impl Store for Least {
    fn storage(&self) -> Storage {
        Fixed.storage()
    }

    fn load(&self, name: &RecordName) -> Result<Option<Stored>, StoreError> {
        Fixed.load(name)
    }

    fn compare_and_swap(
        &self,
        name: &RecordName,
        expected: Option<Version>,
        content: &RecordBytes,
    ) -> Result<Saved, StoreError> {
        Fixed.compare_and_swap(name, expected, content)
    }

    fn list(&self, prefix: &str) -> Result<Vec<RecordName>, StoreError> {
        Fixed.list(prefix)
    }
}

#[test]
fn a_store_without_claims_and_notifications_grants_each_claim_and_says_that_it_does_not_notify() {
    let name = RecordName::new(&standard(), &hotel());
    for owner in ["me", "you"] {
        assert_eq!(Least.claim(&name, owner, Duration::ZERO).ok(), Some(Claimed::Granted));
        assert!(Least.release(&name, owner).is_ok());
    }
    assert!(!Least.changes(Arc::new(|_| {})));
}

#[test]
fn the_content_of_a_record_is_debugged_by_its_length() {
    assert_eq!(format!("{:?}", RecordBytes::from(&b"s3cr3t"[..])), "RecordBytes(6 bytes)");
}

#[test]
fn an_error_of_the_store_has_the_word_of_an_unavailable_store() {
    assert_eq!(StoreError::new("the disk is full").code(), "store_unavailable");
}
