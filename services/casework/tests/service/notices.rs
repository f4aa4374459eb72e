//! What is made public: without numbers and names, as long as the village has laid down, and not without end.

use std::sync::atomic::Ordering;

use harness::Call;
use proto::casework::v1::*;
use tonic::Code;
use tonic_types::StatusExt;

use crate::deliberations::{World, deciding, drafted, opening, publishing, reason, voting};
use crate::{GAOCHONG, rows};

#[tokio::test]
async fn a_notice_with_a_number_in_it_or_without_its_clearance_is_refused() {
    let world = World::new().await;
    let mut board = world.board(&world.clerk);
    let name = world.adopted(&mut board).await.name;
    for text in ["联系人身份证９９９９９９ 19900307 0071", "电话190 0000 0001", "代码92999999MA00000151"]
    {
        let clearance = world.clearance(&format!("标题\n{text}"), 0);
        let publish = PublishNoticeRequest {
            title: "标题".into(),
            text: text.into(),
            clearance,
            names_reason: "必须公开".into(),
            ..publishing(&name)
        };
        let refused = board.publish_notice(publish).await.unwrap_err();
        assert_eq!(reason(&refused), "NUMBER_IN_TEXT", "{text}");
        let digits: Vec<&str> = refused.message().matches(|sign: char| sign.is_ascii_digit()).collect();
        assert!(digits.len() <= 2, "the number is not repeated: {refused}");
    }
    // A resident's name is in it: the registry gave no clearance, or one of another text.
    let named = |clearance: String| PublishNoticeRequest {
        title: "标题".into(),
        text: "由张三丰家提出".into(),
        clearance,
        ..publishing(&name)
    };
    for clearance in [String::new(), "AAAA".into(), world.clearance("标题\n由居民提出", 0)] {
        let refused = board.publish_notice(named(clearance)).await.unwrap_err();
        assert_eq!(reason(&refused), "NOT_CLEARED");
    }
    let old = world.clearance("标题\n由张三丰家提出", 0);
    world.days.store(2, Ordering::SeqCst);
    assert_eq!(reason(&board.publish_notice(named(old)).await.unwrap_err()), "NOT_CLEARED");
    // A name that is a word too stands for a reason, which is kept.
    let excepted = named(world.clearance("标题\n由张三丰家提出", 1));
    let refused = board.publish_notice(excepted.clone()).await.unwrap_err();
    assert_eq!(refused.get_details_bad_request().unwrap().field_violations[0].field, "names_reason");
    let why = PublishNoticeRequest { names_reason: "地名“张三丰家”".into(), ..excepted };
    let noticed = board.publish_notice(why).await.unwrap().into_inner();
    let last = noticed.moves.last().unwrap();
    assert_eq!((last.kind(), last.note.as_str()), (DeliberationMoveKind::Noticed, "地名“张三丰家”"));
    rows(&world.running, "select count(*) from notice where names_excepted = 1", 1).await;
}

#[tokio::test]
async fn the_village_lays_down_what_is_large_how_long_a_notice_runs_and_where_objections_are_heard() {
    let world = World::new().await;
    let mut board = world.board(&world.clerk);
    let name = format!("villages/{GAOCHONG}/deliberationPolicy");
    let ask = GetDeliberationPolicyRequest { name: name.clone() };
    let policy = board.get_deliberation_policy(ask).await.unwrap().into_inner();
    assert_eq!((policy.large_expense_yuan, policy.notice_days, policy.etag.as_str()), (20_000, 7, "0"));
    let policy = DeliberationPolicy {
        large_expense_yuan: 5000,
        notice_days: 10,
        contact: "村委会办公室 0731-88880000".into(),
        ..policy
    };
    let update = |policy| UpdateDeliberationPolicyRequest { policy: Some(policy), ..Default::default() };
    let private = DeliberationPolicy { contact: "999999199003070071".into(), ..policy.clone() };
    assert_eq!(board.update_deliberation_policy(update(private)).await.unwrap_err().code(), Code::InvalidArgument);
    let laid_down = board.update_deliberation_policy(update(policy.clone())).await.unwrap().into_inner();
    assert_eq!(laid_down.etag, "1");
    assert_eq!(board.update_deliberation_policy(update(policy)).await.unwrap_err().code(), Code::Aborted);

    let concern = world.working().await.name;
    let opened = board.create_deliberation(opening(&[&concern])).await.unwrap().into_inner();
    assert_eq!(opened.way(), DeliberationWay::LongWay);
    for _ in 0..4 {
        board.record_vote(voting(&opened.name, 9, [9, 0, 0])).await.unwrap();
    }
    board.decide(deciding(&opened.name)).await.unwrap();
    let text = drafted(&mut board, &opened.name).await.text_to_clear;
    let publish = PublishNoticeRequest { clearance: world.clearance(&text, 0), days: 5, ..publishing(&opened.name) };
    assert_eq!(board.publish_notice(publish.clone()).await.unwrap_err().code(), Code::InvalidArgument);
    board.publish_notice(PublishNoticeRequest { days: 0, ..publish }).await.unwrap();
    let read = GetNoticeRequest { name: format!("{}/notice", opened.name) };
    let read = world.board(&Call::nobody()).get_notice(read).await.unwrap().into_inner();
    assert_eq!((read.contact.as_str(), read.votes.len()), ("村委会办公室 0731-88880000", 4));
}

#[tokio::test]
async fn whoever_reads_notices_without_end_is_told_to_wait() {
    let world = World::new().await;
    let mut anybody = world.board(&Call::nobody());
    let list = ListNoticesRequest { parent: format!("villages/{GAOCHONG}"), ..Default::default() };
    let mut last = Ok(());
    for _ in 0..60 {
        last = anybody.list_notices(list.clone()).await.map(|_| ());
    }
    assert_eq!(last.unwrap_err().code(), Code::ResourceExhausted);
}
