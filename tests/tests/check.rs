//! `lianxin onboard --check`: what a workbook would bring and what is wrong with it, before anything is written.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use lianxin::onboard::{Village, onboard};
use tests::{GAOCHONG, World, shipped};

#[tokio::test(flavor = "multi_thread")]
async fn a_new_village_is_checked_before_anything_of_its_workbooks_is_written() {
    let world = World::start().await;
    let (access, operator) = (world.access(), world.operator());
    let village = Village {
        code: GAOCHONG.parse().unwrap(),
        name: "高冲村".to_owned(),
        roster: Some(shipped("gaochong/roster.xlsx")),
        ledger: Some(shipped("gaochong/ledger.xlsx")),
    };
    let refused = onboard(&village, true, &access, &operator, false).await.unwrap_err();
    assert!(refused.to_string().contains(&format!("lianxin onboard {GAOCHONG} --name 高冲村")), "{refused}");

    world.onboard(GAOCHONG, "高冲村", None).await;
    let checked = onboard(&village, true, &access, &operator, false).await.unwrap();
    assert_eq!(checked.refused, 0, "the shipped workbooks are in order");
    assert_eq!(world.figures(&[&checked]).await.total.unwrap().grids, 0, "nothing was written");

    let done = world.onboard_gaochong().await;
    assert_eq!((done.refused, world.figures(&[&done]).await.total.unwrap().grids), (0, 75));
    let checked = onboard(&village, true, &access, &operator, false).await.unwrap();
    assert_eq!((checked.refused, checked.changed), (0, 0), "everything is there");
}
