//! Merging into a branch further up than the parent.

use std::collections::{BTreeMap, BTreeSet};

use hanok_lake::{Lake, LakeError, MergeMode};

use super::branches::fork;
use super::merge::{append, merged, optimize, sums, table, two_tables};
use super::open;

/// What a merge did, by table; or its conflicts.
async fn into(branch: &Lake, target: &str) -> Result<BTreeMap<String, &'static str>, Vec<String>> {
    let outcome = branch.merge_into(target, MergeMode::Strict, false).await.unwrap();
    match outcome.conflicts.is_empty() {
        true => Ok(outcome.tables.into_iter().map(|table| (table.table, table.what)).collect()),
        false => {
            assert!(outcome.id.is_none());
            Err(outcome.conflicts.into_iter().map(|conflict| conflict.reason).collect())
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_brings_what_its_parent_had_when_it_was_forked() {
    let folder = tempfile::tempdir().unwrap();
    let main = open(folder.path()).await;
    append(&main, "gone", 0..3).await;
    let dev = two_tables(&main).await;
    append(&dev, "new", 0..5).await;
    dev.drop_table(&table("gone")).await.unwrap();
    dev.put_view(&table("view"), "select 1").await.unwrap();
    let inner = fork(&dev, "inner").await;
    append(&inner, "a", 20..30).await;
    append(&inner, "new", 5..6).await;
    inner.put_view(&table("view"), "select 2").await.unwrap();
    append(&dev, "a", 90..91).await;
    append(&main, "b", 30..40).await;

    let done = into(&inner, "main").await.unwrap();
    let expected = [("raw.a", "fast-forward"), ("raw.b", "merged"), ("raw.new", "new"), ("raw.view", "view")];
    assert_eq!(done, expected.map(|(name, what)| (name.to_owned(), what)).into());
    assert_eq!(sums(&main, "a").await, Some((30, 30, 435)), "not what the parent got since");
    assert_eq!(sums(&main, "b").await, Some((30, 30, 45 + 145 + 345)));
    assert_eq!(sums(&main, "new").await, Some((6, 6, 15)));
    assert_eq!(sums(&main, "gone").await, Some((3, 3, 3)), "the branch never saw it");
    assert!(into(&inner, "main").await.unwrap().is_empty(), "it has been merged");
    append(&inner, "a", 40..50).await;
    assert_eq!(into(&inner, "main").await.unwrap().len(), 1);
    assert_eq!(sums(&main, "a").await.unwrap().0, 40);
    // The parent brings the rest: what came by the branch does not come twice. Names that it has made and that came by
    // the branch are others to it.
    append(&dev, "b", 50..51).await;
    assert_eq!(into(&dev, "main").await.unwrap_err(), ["the name changed on the branch and on `main`"; 2]);
    dev.drop_table(&table("new")).await.unwrap();
    dev.drop_table(&table("view")).await.unwrap();
    assert!(merged(&dev).await.contains_key("raw.a"));
    assert_eq!(sums(&main, "a").await, Some((41, 41, 435 + 445 + 90)));
    assert_eq!(sums(&main, "b").await.unwrap().0, 31);
    assert_eq!(sums(&main, "new").await.unwrap().0, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_parent_has_merged_is_known_or_told() {
    let folder = tempfile::tempdir().unwrap();
    let main = open(folder.path()).await;
    let dev = two_tables(&main).await;
    let early = fork(&dev, "early").await;
    append(&early, "a", 100..101).await;
    append(&dev, "a", 20..30).await;
    merged(&dev).await;
    let late = fork(&dev, "late").await;
    append(&late, "a", 200..201).await;
    append(&main, "a", 300..301).await;

    assert_eq!(into(&late, "main").await.unwrap().len(), 1, "the merge that it has seen is its base");
    let rows = (32, 32, 435 + 200 + 300);
    assert_eq!(sums(&main, "a").await, Some(rows));
    let told = into(&early, "main").await.unwrap_err();
    assert_eq!(told, ["`dev` was merged into `main` since the branch was forked from it"]);
    assert_eq!(sums(&main, "a").await, Some(rows));
    // As the conflict says.
    merged(&early).await;
    merged(&dev).await;
    assert_eq!(sums(&main, "a").await, Some((33, 33, rows.2 + 100)));
    for (branch, target) in [(&late, "early"), (&main, "dev"), (&late, "late")] {
        let refused = branch.merge_into(target, MergeMode::Strict, false).await;
        assert!(matches!(refused, Err(LakeError::MergeInto { .. })), "{target}: {refused:?}");
    }
    let unknown = late.merge_into("nothing", MergeMode::Strict, false).await;
    assert!(matches!(unknown, Err(LakeError::Catalog(_))), "{unknown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_of_an_earlier_time_than_its_parents_own_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let main = open(folder.path()).await;
    append(&main, "a", 0..10).await;
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    let before = chrono::Utc::now().timestamp_micros();
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    append(&main, "a", 10..20).await;
    let dev = fork(&main, "dev").await;
    let request = hanok_lake::ForkRequest {
        as_of: Some(hanok_lake::AsOf::Timestamp(before)),
        ..super::branches::request("old")
    };
    dev.fork(&request).await.unwrap();
    let old = dev.on_branch("old").await.unwrap();
    assert_eq!(sums(&old, "a").await.unwrap().0, 10);
    append(&old, "a", 20..30).await;
    assert_eq!(into(&old, "main").await.unwrap().len(), 1);
    assert_eq!(sums(&main, "a").await, Some((30, 30, 435)));
}

/// Numbers of a fixed sequence.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

/// Rows are only appended, so that after a merge the target must have what both sides had, each row once.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_merged_where_each_row_is_there_once() {
    const TABLES: [&str; 2] = ["a", "b"];
    let (mut merges, mut conflicts) = (0, 0);
    for seed in 0..8 {
        let folder = tempfile::tempdir().unwrap();
        let main = open(folder.path()).await;
        let mut dice = Dice(seed);
        for name in TABLES {
            append(&main, name, 0..2).await;
        }
        let start: BTreeSet<i64> = (0..2).collect();
        let mut lakes = vec![(main, TABLES.map(|_| start.clone()), None::<usize>)];
        let mut next = 2_i64;
        for _ in 0..30 {
            let at = dice.below(lakes.len());
            let which = dice.below(TABLES.len());
            match dice.below(10) {
                0..4 => {
                    append(&lakes[at].0, TABLES[which], next..next + 2).await;
                    lakes[at].1[which].extend(next..next + 2);
                    next += 2;
                }
                4 => optimize(&lakes[at].0, TABLES[which]).await,
                5 | 6 if lakes.len() < 6 => {
                    let child = fork(&lakes[at].0, &format!("b{}", lakes.len())).await;
                    let rows = lakes[at].1.clone();
                    lakes.push((child, rows, Some(at)));
                }
                _ => {
                    let mut above = Vec::new();
                    let mut up = lakes[at].2;
                    while let Some(parent) = up {
                        above.push(parent);
                        up = lakes[parent].2;
                    }
                    if above.is_empty() {
                        continue;
                    }
                    let target = above[dice.below(above.len())];
                    let name = lakes[target].0.branch().name.clone();
                    match into(&lakes[at].0, &name).await {
                        Ok(_) => {
                            merges += 1;
                            let ours = lakes[at].1.clone();
                            lakes[target].1.iter_mut().zip(ours).for_each(|(their, our)| their.extend(our));
                        }
                        Err(_) => conflicts += 1,
                    }
                }
            }
        }
        for (lake, rows, _) in &lakes {
            for (name, rows) in TABLES.iter().zip(rows) {
                let count = rows.len() as i64;
                assert_eq!(sums(lake, name).await, Some((count, count, rows.iter().sum())), "seed {seed}");
            }
        }
        lakes[0].0.catalog().close().await;
    }
    assert!(merges > 25 && conflicts < merges, "{merges} merges, {conflicts} conflicts");
}
