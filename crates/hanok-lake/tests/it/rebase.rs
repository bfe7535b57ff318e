//! Moving branches to what their parents have now.

use std::sync::Arc;
use std::time::Duration;

use hanok_catalog::{BranchKind, Catalog, CatalogError, Merge};
use hanok_lake::{CommitMode, ForkRequest, Lake, LakeError, MergeMode, MergeOutcome};
use hanok_types::{BranchName, Id};

use super::branches::{files_of, fork, request};
use super::fault::FaultStore;
use super::merge::{append, delete, merged, sums, table, two_tables, write};
use super::{numbers, open};

/// Rebases, and opens what the name stands for then.
async fn rebased(dev: &Lake) -> Lake {
    let outcome = rebase(dev).await;
    assert!(outcome.conflicts.is_empty() && outcome.id.is_some(), "{outcome:#?}");
    dev.on_branch("dev").await.unwrap()
}

async fn rebase(dev: &Lake) -> MergeOutcome {
    dev.rebase(MergeMode::Strict, false).await.unwrap()
}

async fn names(lake: &Lake) -> Vec<String> {
    lake.catalog().branches().await.unwrap().into_iter().map(|branch| branch.name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_is_what_its_parent_has_now_and_its_own_changes() {
    let folder = tempfile::tempdir().unwrap();
    let main = open(folder.path()).await;
    append(&main, "gone", 0..3).await;
    main.put_view(&table("view"), "select 1").await.unwrap();
    let dev = two_tables(&main).await;
    append(&dev, "new", 0..5).await;
    dev.drop_table(&table("gone")).await.unwrap();
    dev.put_view(&table("view"), "select 2").await.unwrap();
    append(&main, "a", 20..30).await;
    append(&main, "later", 0..7).await;
    let before = files_of(&folder.path().join("lake/main"));
    let tried = dev.rebase(MergeMode::Strict, true).await.unwrap();
    assert!(tried.id.is_none() && tried.tables.len() == 5, "{tried:#?}");
    let mut writer = dev.table_for_write(&table("a")).await.unwrap();
    let staged = super::stage(&writer, numbers(90..91)).await;

    let now = rebased(&dev).await;
    assert_eq!(sums(&now, "a").await, Some((30, 30, 435)));
    assert_eq!(sums(&now, "b").await, Some((20, 20, 190)));
    assert_eq!(sums(&now, "new").await, Some((5, 5, 10)));
    assert_eq!(sums(&now, "later").await, Some((7, 7, 21)));
    assert_eq!(sums(&now, "gone").await, None);
    assert_eq!(files_of(&folder.path().join("lake/main")), before, "main is as it was");
    assert_ne!(now.branch_id(), dev.branch_id());
    assert_eq!(now.branch().created_us, dev.branch().created_us);
    assert!(!folder.path().join("lake").join(dev.branch_id()).exists());
    assert_eq!(names(&main).await, ["main", "dev"]);
    let changed: Vec<String> =
        now.changes().await.unwrap().into_iter().map(|difference| difference.table).collect();
    assert_eq!(changed, ["raw.a", "raw.b", "raw.gone", "raw.new", "raw.view"]);
    // Who still holds the old branch learns that it is gone.
    let refused = writer.commit(staged, CommitMode::Append, &hanok_lake::CommitOptions::default()).await;
    assert!(matches!(refused, Err(LakeError::BranchGone { .. })), "{refused:?}");
    // Main has not moved since: what comes back is what the branch did.
    assert!(merged(&now).await.values().all(|what| *what != "merged"));
    assert_eq!(sums(&main, "a").await, Some((30, 30, 435)));
    assert_eq!(sums(&main, "gone").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_merged_before_does_not_come_twice() {
    let folder = tempfile::tempdir().unwrap();
    let main = open(folder.path()).await;
    let dev = two_tables(&main).await;
    merged(&dev).await;
    append(&main, "a", 20..30).await;
    append(&dev, "a", 30..40).await;
    let now = rebased(&dev).await;
    assert_eq!(sums(&now, "a").await, Some((40, 40, 780)));
    assert_eq!(sums(&now, "b").await, Some((20, 20, 190)));
    let again = rebased(&now).await;
    assert_eq!(sums(&again, "a").await, Some((40, 40, 780)));
    merged(&again).await;
    assert_eq!(sums(&main, "a").await, Some((40, 40, 780)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_rebased_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let main = open(folder.path()).await;
    let dev = two_tables(&main).await;
    let in_use = |refused: Result<MergeOutcome, LakeError>| {
        assert!(matches!(refused, Err(LakeError::Catalog(CatalogError::BranchInUse { .. }))), "{refused:?}");
    };
    in_use(main.rebase(MergeMode::Strict, false).await);
    let inner = fork(&dev, "inner").await;
    in_use(dev.rebase(MergeMode::Strict, false).await);
    dev.drop_branch(inner.branch()).await.unwrap();
    main.catalog().protect_branch(dev.branch_id(), true).await.unwrap();
    in_use(dev.rebase(MergeMode::Strict, false).await);
    main.catalog().protect_branch(dev.branch_id(), false).await.unwrap();
    main.fork(&ForkRequest { kind: BranchKind::Tag, ..request("tag") }).await.unwrap();
    let tag = main.on_branch("tag").await.unwrap();
    assert!(matches!(tag.rebase(MergeMode::Strict, false).await, Err(LakeError::ReadOnly { .. })));
    // A conflict in one table leaves all as they are.
    delete(&dev, "a", "n = 3").await;
    write(&main, "a", numbers(50..60), CommitMode::Replace).await;
    let before = files_of(&folder.path().join("lake"));
    let outcome = rebase(&dev).await;
    assert_eq!(outcome.conflicts.len(), 1);
    assert!(outcome.conflicts[0].reason.ends_with("on `main`"), "{outcome:#?}");
    let mut after = files_of(&folder.path().join("lake"));
    let is_lock = |path: &str| std::path::Path::new(path).extension() == Some("lock".as_ref());
    after.retain(|path, _| before.contains_key(path) || !is_lock(path));
    assert_eq!(after, before);
    assert_eq!(main.catalog().branch("dev").await.unwrap().id, dev.branch_id());
    assert_eq!(append(&dev, "b", 20..21).await, 2, "writers go on");
}

/// A process that is killed before the new branch has the name leaves what this makes.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_rebase_leaves_is_taken_away() {
    let folder = tempfile::tempdir().unwrap();
    let main = open(folder.path()).await;
    let dev = two_tables(&main).await;
    let hold = Merge {
        id: Id::generate().to_string(),
        branch: dev.branch_id().to_owned(),
        branch_name: "dev".to_owned(),
        target: dev.branch_id().to_owned(),
        mode: "rebase".to_owned(),
    };
    main.catalog().begin_merge(&hold, &[]).await.unwrap();
    let name = BranchName::new("dev").unwrap().rebasing();
    main.fork(&ForkRequest { name: name.clone(), ..request("x") }).await.unwrap();
    let made = main.on_branch(name.as_str()).await.unwrap();
    append(&made, "a", 50..60).await;
    let again = open(folder.path()).await;
    again.recover_merges().await.unwrap();
    assert_eq!(names(&again).await, ["main", "dev"]);
    assert!(again.catalog().open_merges().await.unwrap().is_empty());
    assert!(!folder.path().join("lake").join(made.branch_id()).exists());
    assert_eq!(sums(&rebased(&dev).await, "a").await, Some((20, 20, 190)));
    main.collect_garbage(Duration::ZERO, false).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_call_of_the_storage_fails_the_name_stands_for_one_of_two_branches() {
    const CALLS_MAX: i64 = 600;
    let (mut old, mut new) = (0, 0);
    for after in [false, true] {
        // Every call fails once, before its work or after it.
        for call in (i64::from(after)..CALLS_MAX).step_by(2) {
            let folder = tempfile::tempdir().unwrap();
            let catalog = Catalog::open(&folder.path().join("catalog.sqlite")).await.unwrap();
            let faults = FaultStore::new();
            let main = Lake::open_store(Arc::new(faults.clone()), catalog);
            append(&main, "a", 0..10).await;
            let dev = fork(&main, "dev").await;
            append(&dev, "a", 10..20).await;
            append(&dev, "c", 10..20).await;
            append(&main, "a", 20..30).await;
            faults.fail_at(call, after);
            let failed = dev.rebase(MergeMode::Strict, false).await.is_err();
            let hit = faults.has_failed();
            faults.heal();
            main.recover_merges().await.unwrap();
            assert_eq!(names(&main).await, ["main", "dev"]);
            let now = main.on_branch("dev").await.unwrap();
            let is_old = now.branch_id() == dev.branch_id();
            let c = Some((10, 10, 145));
            let (before, done) = ([Some((20, 20, 190)), c], [Some((30, 30, 435)), c]);
            let rows = [sums(&now, "a").await, sums(&now, "c").await];
            assert!(rows == if is_old { before } else { done }, "call {call}, after {after}: {rows:?}");
            assert!(failed || !is_old, "call {call}, after {after}");
            *(if is_old { &mut old } else { &mut new }) += 1;
            if is_old {
                let now = rebased(&now).await;
                assert_eq!(
                    [sums(&now, "a").await, sums(&now, "c").await],
                    done,
                    "call {call}, after {after}"
                );
            }
            main.catalog().close().await;
            if !hit {
                break;
            }
            assert!(call + 2 < CALLS_MAX, "a rebase has more calls");
        }
    }
    assert!(old > 2 && new > 2, "faults hit before and after the name changed hands: {old}, {new}");
}
