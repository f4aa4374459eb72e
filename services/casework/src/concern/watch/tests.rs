#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use events::Events;
use harness::{Stage, TestDatabase};

use super::*;

const MANY: i64 = 300;

/// So many concerns that nobody has answered for and that are overdue, each first told as reported.
const OVERDUE: &str = "
    with made as (
        insert into concern (village, id, reference, matter, matter_type, text, grid, state, owner_kind, routed, reported_on,
                             result, score, response_hours, resolution_hours, running_since, response_due_at, respond_by,
                             due_at, alarm_at, revision, created_at, updated_at)
        select '4301120112' || lpad((number % 10 + 1)::text, 2, '0'), gen_random_uuid(), number::text, 'environment', '路灯',
               '', '027', 'reported', 'office', false, date '2026-03-02', '', 0, 8, 40, timestamptz '2026-03-02 09:00+08',
               timestamptz '2026-03-03 09:00+08', timestamptz '2026-03-03 09:00+08', timestamptz '2026-03-09 09:00+08',
               timestamptz '2026-03-02 16:00+08', 1, timestamptz '2026-03-02 09:00+08', timestamptz '2026-03-02 09:00+08'
          from generate_series(1, $1) as number
        returning village, id, created_at, due_at, respond_by)
    insert into move (village, concern, revision, kind, to_state, actor, office, moved_at, note, owner_kind, spent, due_at,
                      respond_by)
    select village, id, 1, 'reported', 'reported', 'x', 'clerk', created_at, '', 'office', 0, due_at, respond_by
      from made";

async fn watch(stage: &Stage, database: &TestDatabase, now: &'static str) -> Watch {
    let database = database.open(&stage.platform_config(&database.service_url));
    let config = stage.events_config();
    let events = Events::join(&config, crate::SERVICE, database.clone(), CancellationToken::new()).await.unwrap();
    let changes = events.changes();
    Watch::new(database, changes, Clock::from_fn(|| now.parse().unwrap()), Calendars::default())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_watchers_cut_off_at_any_moment_give_each_warning_once() {
    let stage = Stage::new().await;
    let database = TestDatabase::of(crate::SERVICE, &crate::migrations()).await;
    let mut owner = database.connect_as_owner().await;
    sqlx::query(OVERDUE).bind(MANY).execute(&mut owner).await.unwrap();
    let now = "2026-03-10T02:00:00Z";
    let watches = [watch(&stage, &database, now).await, watch(&stage, &database, now).await].map(std::sync::Arc::new);
    let mut cut_off = 0;
    for round in 0_u64.. {
        let left: i64 = sqlx::query_scalar("select count(*) from concern where warnings <> 15")
            .fetch_one(&mut owner)
            .await
            .unwrap();
        if left == 0 {
            break;
        }
        assert!(round < 2_000, "still {left} to be warned of");
        let looks = watches.clone().map(|watch| tokio::spawn(async move { watch.look().await }));
        // At some moment of a look: before it has begun, while it reads or writes, while it commits.
        // Longer and longer ones, so that it ends on a machine that is busy, too.
        tokio::time::sleep(Duration::from_micros(round * 7_919 % (20_000 + 2_000 * round))).await;
        for look in looks {
            look.abort();
            cut_off += u64::from(look.await.is_err_and(|error| error.is_cancelled()));
        }
    }
    assert!(cut_off > 0, "nothing was cut off");
    let told: Vec<(String, i64, i64)> = sqlx::query_as(
        "select kind, count(*), count(distinct (village, concern)) from move where revision > 1 group by kind order by kind",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    // Whoever is warned that the time is over is not warned that it soon will be.
    assert_eq!(told, [("overdue".to_owned(), MANY, MANY), ("response_overdue".to_owned(), MANY, MANY)]);
    let news: i64 = sqlx::query_scalar("select count(*) from change_log").fetch_one(&mut owner).await.unwrap();
    assert_eq!(news, 2 * MANY);
    assert!(!watches[0].look().await.unwrap(), "nothing is left to look at");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warning_comes_before_the_deadline_and_another_when_it_has_passed() {
    let stage = Stage::new().await;
    let database = TestDatabase::of(crate::SERVICE, &crate::migrations()).await;
    let mut owner = database.connect_as_owner().await;
    sqlx::query(OVERDUE).bind(1_i64).execute(&mut owner).await.unwrap();
    let mut kinds = Vec::new();
    // Eight hours to answer end on the morning of the 3rd, forty to solve it on that of the 9th.
    for now in [
        "2026-03-02T07:00:00Z",
        "2026-03-02T09:30:00Z",
        "2026-03-03T01:00:00Z",
        "2026-03-05T10:00:00Z",
        "2026-03-09T01:00:00Z",
    ] {
        let watch = watch(&stage, &database, now).await;
        while watch.look().await.unwrap() {}
        let told: Vec<String> = sqlx::query_scalar("select kind from move where revision > 1 order by revision")
            .fetch_all(&mut owner)
            .await
            .unwrap();
        kinds.push(told.last().cloned().unwrap_or_default());
    }
    assert_eq!(kinds, ["", "response_due_soon", "response_overdue", "due_soon", "overdue"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_that_was_changed_moves_the_deadlines_that_run_and_says_so() {
    let stage = Stage::new().await;
    let database = TestDatabase::of(crate::SERVICE, &crate::migrations()).await;
    let mut owner = database.connect_as_owner().await;
    sqlx::query(OVERDUE).bind(250_i64).execute(&mut owner).await.unwrap();
    let holiday = "insert into calendar_day (place, day, kind, name, updated_by)
                   values ('430112011', date '2026-03-03', 'holiday', '停电', 'x')";
    sqlx::query(holiday).execute(&mut owner).await.unwrap();
    let changed =
        "insert into calendar_change (place, changed_at) values ('430112011', timestamptz '2026-03-02 00:00+00')";
    sqlx::query(changed).execute(&mut owner).await.unwrap();
    let watch = watch(&stage, &database, "2026-03-02T02:00:00Z").await;
    while watch.reckon().await.unwrap() {}
    assert_eq!(due(&mut owner).await, [("2026-03-10 09:00:00".to_owned(), "2026-03-04 09:00:00".to_owned(), 250)]);
    // It was a mistake: everybody has again what they had, and nobody more.
    sqlx::query("delete from calendar_day where updated_by = 'x'").execute(&mut owner).await.unwrap();
    sqlx::query(changed).execute(&mut owner).await.unwrap();
    let mut tx = watch.database.begin(&Scope::deployment()).await.unwrap();
    watch.calendars.load(&mut tx).await.unwrap();
    drop(tx);
    while watch.reckon().await.unwrap() {}
    assert_eq!(due(&mut owner).await, [("2026-03-09 09:00:00".to_owned(), "2026-03-03 09:00:00".to_owned(), 250)]);
    let told: i64 = sqlx::query_scalar("select count(*) from move where kind = 'reckoned' and note <> ''")
        .fetch_one(&mut owner)
        .await
        .unwrap();
    assert_eq!(told, 500);
}

/// What is due, in the villages' time: the solution, and the answer by both its columns; and of how many concerns.
async fn due(owner: &mut sqlx::PgConnection) -> Vec<(String, String, i64)> {
    sqlx::query_as(
        "select (due_at at time zone 'Asia/Shanghai')::text, (respond_by at time zone 'Asia/Shanghai')::text, count(*)
           from concern
          where respond_by = response_due_at
          group by 1, 2",
    )
    .fetch_all(owner)
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_warned_in_an_archived_village() {
    let stage = Stage::new().await;
    let database = TestDatabase::of(crate::SERVICE, &crate::migrations()).await;
    let mut owner = database.connect_as_owner().await;
    sqlx::query(OVERDUE).bind(20_i64).execute(&mut owner).await.unwrap();
    let archived = "insert into village (village, state, revision) values ('430112011201', 'archived', 2)";
    sqlx::query(archived).execute(&mut owner).await.unwrap();
    let watch = watch(&stage, &database, "2026-03-10T02:00:00Z").await;
    while watch.look().await.unwrap() {}
    let left: Vec<String> = sqlx::query_scalar("select distinct village from concern where warnings <> 15")
        .fetch_all(&mut owner)
        .await
        .unwrap();
    assert_eq!(left, ["430112011201"]);
}
