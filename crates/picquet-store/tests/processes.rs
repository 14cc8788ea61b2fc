//! Rows of several processes, and copies.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use picquet_sources::ExternalPolicy;
use picquet_store::{Access, Workspace};
use serde_json::json;

const TABLE: &str = "SecurityIncident";

async fn open(path: &Path, access: Access) -> Workspace {
    Workspace::open(path, access, ExternalPolicy::default()).await.unwrap()
}

fn write(workspace: &Workspace, number: i64) {
    let record = json!({"IncidentNumber": number}).as_object().unwrap().clone();
    workspace.change(|change| change.append_records(TABLE, &[record], Timestamp::UNIX_EPOCH)).unwrap();
}

/// Rows of the table, and how many of them are buffered.
fn rows(workspace: &Workspace) -> (u64, u64) {
    let tables = workspace.tables();
    let table = tables.iter().find(|table| table.name == TABLE).unwrap();
    (table.rows, table.buffered)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_another_process_wrote_between_are_put_into_files_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w");
    Workspace::init(&path).unwrap();
    let owner = open(&path, Access::Own).await;
    let other = open(&path, Access::Share).await;
    write(&owner, 1);
    write(&other, 2);
    write(&owner, 3);
    assert_eq!(owner.flush(Timestamp::UNIX_EPOCH).await.unwrap(), 3);
    write(&other, 4);
    assert_eq!(owner.flush(Timestamp::UNIX_EPOCH).await.unwrap(), 1);
    drop((owner, other));
    assert_eq!(rows(&open(&path, Access::Own).await), (4, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_copy_whose_files_are_newer_than_its_state_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copied) = (folder.path().join("w"), folder.path().join("copy"));
    Workspace::init(&path).unwrap();
    let owner = open(&path, Access::Own).await;
    (1..=3).for_each(|number| write(&owner, number));
    owner.backup(&copied).unwrap();
    // What is written while a copy is made: the state is copied first.
    (4..=5).for_each(|number| write(&owner, number));
    owner.flush(Timestamp::UNIX_EPOCH).await.unwrap();
    copy(&path.join("tables"), &copied.join("tables"));
    let workspace = open(&copied, Access::Own).await;
    assert_eq!(rows(&workspace), (5, 0));
    write(&workspace, 6);
    assert_eq!(rows(&workspace), (6, 1));
    drop(workspace);
    let workspace = open(&copied, Access::Own).await;
    assert_eq!(rows(&workspace), (6, 1));
    workspace.flush(Timestamp::UNIX_EPOCH).await.unwrap();
    assert_eq!(rows(&workspace), (6, 0));
}
