//! The store keeps the contract of a store, in both forms.

use octo_auth_async::BlockingStore;
use octo_auth_store_file::FileStore;
use octo_auth_testkit::{async_, blocking};
use tokio::runtime::Runtime;

use crate::folder::Folder;

fn store(folder: &Folder) -> FileStore {
    FileStore::open(folder.path()).unwrap()
}

#[test]
fn one_handle_keeps_all_promises_in_both_colours() {
    let (one, other) = (Folder::new(), Folder::new());
    let report = blocking::store::check(&store(&one));
    assert_eq!(report.failures(), [], "{report}");
    let runtime = Runtime::new().unwrap();
    let report = runtime.block_on(async_::store::check(&BlockingStore::new(store(&other))));
    assert_eq!(report.failures(), [], "{report}");
}

#[test]
fn two_handles_keep_all_promises_in_both_colours() {
    let (one, other) = (Folder::new(), Folder::new());
    let report = blocking::store::check_handles(&store(&one), &store(&one));
    assert_eq!(report.failures(), [], "{report}");
    let [first, second] = [store(&other), store(&other)].map(BlockingStore::new);
    let runtime = Runtime::new().unwrap();
    let report = runtime.block_on(async_::store::check_handles(&first, &second));
    assert_eq!(report.failures(), [], "{report}");
}
