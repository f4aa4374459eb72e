//! The catalogue, and the deadlines that come of it.

use harness::{Call, Running, Stage};
use platform::{Clock, Office};
use proto::casework::v1::catalog_service_client::CatalogServiceClient;
use proto::casework::v1::deliberation_service_client::DeliberationServiceClient;
use proto::casework::v1::{
    AcceptConcernRequest, Calendar, CalendarDay, CalendarDayKind, Concern, CreateMatterTypeRequest, Deadline,
    DecideExtensionRequest, DeliberationPolicy, ExplainDeadlineRequest, ExtendDeadlineRequest, GetCalendarRequest,
    GetMatterTypeRequest, ListDeadlinesRequest, ListMatterTypesRequest, ListMovesRequest, Matter, MatterType, MoveKind,
    SuspendConcernRequest, UpdateCalendarRequest, UpdateDeadlineRequest, UpdateDeliberationPolicyRequest,
    UpdateMatterTypeRequest, Urgency,
};
use proto::google::r#type::Date;
use tonic::Code;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic_types::StatusExt;

use crate::{GAOCHONG, NEIGHBOUR, casework, clerk, client, concern, get, report, rows};

type Catalog = CatalogServiceClient<InterceptedService<Channel, Call>>;

fn catalog(stage: &Stage, running: &Running, office: Office, scope: &str) -> Catalog {
    CatalogServiceClient::with_interceptor(running.channel(), stage.caller(office, scope, &[]))
}

fn parent() -> String {
    format!("villages/{GAOCHONG}")
}

fn about(matter: Matter, matter_type: &str) -> Concern {
    Concern { matter: matter.into(), matter_type: matter_type.into(), ..concern(GAOCHONG) }
}

/// Casework on Friday, 13 February 2026, at nine in the morning: the next day is worked in exchange, and the Spring
/// Festival lasts until the 23rd.
async fn before_the_festival(stage: &Stage) -> Running {
    let database = harness::TestDatabase::of(casework::SERVICE, &casework::migrations()).await;
    let clock = Clock::from_fn(|| "2026-02-13T01:00:00Z".parse().unwrap());
    stage
        .serve_on(database, clock, |platform, events, process| {
            casework::serve(crate::config(platform, events), process)
        })
        .await
}

fn seconds(time: Option<prost_types::Timestamp>) -> i64 {
    time.unwrap().seconds
}

/// A moment in the villages.
fn at(text: &str) -> i64 {
    text.parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp()
}

#[tokio::test]
async fn a_concern_takes_urgency_and_deadlines_from_its_type_and_the_festival_does_not_count() {
    let stage = Stage::new().await;
    let running = before_the_festival(&stage).await;
    let mut clerk = clerk(&stage, &running);
    let mut raise =
        async |concern: Concern| clerk.create_concern(report(concern, GAOCHONG)).await.unwrap().into_inner();
    // A street light has three days, of which the festival is none: Friday, Saturday, and the 24th.
    let light = raise(about(Matter::Environment, "路灯")).await;
    assert_eq!(light.urgency(), Urgency::Normal);
    assert_eq!(seconds(light.respond_by_time), at("2026-02-14T09:00:00+08:00"));
    assert_eq!(seconds(light.due_time), at("2026-02-25T09:00:00+08:00"));
    // A fire lane is an emergency; of what nobody has named the type of, the matter's own deadline counts.
    let lane = raise(about(Matter::BusinessAffairs, "消防通道")).await;
    assert_eq!((lane.urgency(), seconds(lane.respond_by_time)), (Urgency::Emergency, at("2026-02-13T10:00:00+08:00")));
    let other = raise(about(Matter::Environment, "")).await;
    assert_eq!((other.matter_type.as_str(), seconds(other.due_time)), ("其他环境", at("2026-02-27T09:00:00+08:00")));
    // What its type says counts for its own urgency: this one is more urgent than a light usually is.
    let urgent = raise(Concern { urgency: Urgency::Urgent.into(), ..about(Matter::Environment, "路灯") }).await;
    assert_eq!(seconds(urgent.respond_by_time), at("2026-02-13T14:30:00+08:00"));
}

#[tokio::test]
async fn the_clock_explains_itself_and_more_time_needs_somebody_elses_word() {
    let stage = Stage::new().await;
    let running = before_the_festival(&stage).await;
    let mut clerk = clerk(&stage, &running);
    let mut officer = client(&running, &stage.caller(Office::Officer, "430112011", &[]));
    let name =
        clerk.create_concern(report(about(Matter::Environment, "路灯"), GAOCHONG)).await.unwrap().into_inner().name;
    clerk.accept_concern(AcceptConcernRequest { name: name.clone(), ..Default::default() }).await.unwrap();
    let extend = ExtendDeadlineRequest { name: name.clone(), note: "等配件".into(), hours: 8, ..Default::default() };
    assert_eq!(clerk.extend_deadline(extend.clone()).await.unwrap().into_inner().etag, "3");
    let decide = DecideExtensionRequest { name: name.clone(), granted: true, ..Default::default() };
    let refused = clerk.decide_extension(decide.clone()).await.unwrap_err();
    assert_eq!(refused.get_details_error_info().unwrap().reason, "EXTENSION_BY_ASKER");
    let granted = officer.decide_extension(decide).await.unwrap().into_inner();
    assert_eq!(seconds(granted.due_time), at("2026-02-26T09:00:00+08:00"));
    assert_eq!(clerk.extend_deadline(extend).await.unwrap_err().code(), Code::FailedPrecondition);
    let suspend = SuspendConcernRequest { name: name.clone(), note: "停电检修".into(), ..Default::default() };
    assert_eq!(clerk.suspend_concern(suspend).await.unwrap().into_inner().due_time, None);

    let told = clerk.explain_deadline(ExplainDeadlineRequest { name: name.clone() }).await.unwrap().into_inner();
    assert!(told.exists && told.warnings.is_empty(), "{told:?}");
    assert_eq!((told.resolution_hours, told.extension_hours, told.left_seconds), (24, 8, 32 * 3600));
    let segments: Vec<_> = told.segments.iter().map(|one| (one.running, one.began_with(), one.note.as_str())).collect();
    assert_eq!(segments, [(true, MoveKind::Reported, ""), (false, MoveKind::Suspended, "停电检修")]);
    let moves = ListMovesRequest { parent: name, ..Default::default() };
    let kinds: Vec<_> =
        clerk.list_moves(moves).await.unwrap().into_inner().moves.iter().map(|one| one.kind()).collect();
    use MoveKind::{Accepted, Extended, ExtensionAsked, Reported, Suspended};
    assert_eq!(kinds, [Reported, Accepted, ExtensionAsked, Extended, Suspended]);
}

#[tokio::test]
async fn a_village_adds_types_and_changes_those_it_began_with_for_itself_alone() {
    let stage = Stage::new().await;
    let running = before_the_festival(&stage).await;
    let mut ours = catalog(&stage, &running, Office::Clerk, GAOCHONG);
    let mut theirs = catalog(&stage, &running, Office::Clerk, NEIGHBOUR);
    let list = ListMatterTypesRequest { parent: parent(), page_size: 1000, ..Default::default() };
    let types = ours.list_matter_types(list.clone()).await.unwrap().into_inner().matter_types;
    assert!(types.len() >= 15 && types.iter().all(|one| one.default && !one.title.is_empty()));
    for title in ["养老认证", "医保缴费", "低保", "邻里纠纷", "房产证", "营业执照", "租赁纠纷", "消防通道"]
    {
        assert!(types.iter().any(|one| one.title == title), "{title}");
    }
    let own = MatterType {
        matter: Matter::Environment.into(),
        title: "池塘清淤".into(),
        urgency: Urgency::Urgent.into(),
        resolution_hours: 16,
        ..Default::default()
    };
    let create = CreateMatterTypeRequest {
        parent: parent(),
        matter_type: Some(own),
        matter_type_id: "pond".into(),
        request_id: uuid::Uuid::now_v7().to_string(),
    };
    let made = ours.create_matter_type(create.clone()).await.unwrap().into_inner();
    assert_eq!(made.name, format!("villages/{GAOCHONG}/matterTypes/pond"));
    assert_eq!(ours.create_matter_type(create.clone()).await.unwrap().into_inner(), made, "the same request again");
    let again = CreateMatterTypeRequest { request_id: String::new(), ..create.clone() };
    assert_eq!(ours.create_matter_type(again).await.unwrap_err().code(), Code::AlreadyExists);
    let taken = CreateMatterTypeRequest { matter_type_id: "refuse".into(), request_id: String::new(), ..create };
    assert_eq!(ours.create_matter_type(taken).await.unwrap_err().code(), Code::AlreadyExists);

    let refuse = format!("villages/{GAOCHONG}/matterTypes/refuse");
    let changed = MatterType { name: refuse.clone(), response_hours: 2, etag: "0".into(), ..Default::default() };
    let update = UpdateMatterTypeRequest {
        matter_type: Some(changed),
        update_mask: Some(prost_types::FieldMask { paths: vec!["response_hours".into()] }),
        ..Default::default()
    };
    let changed = ours.update_matter_type(update.clone()).await.unwrap().into_inner();
    assert_eq!((changed.title.as_str(), changed.response_hours, changed.default), ("垃圾", 2, false));
    assert_eq!(ours.update_matter_type(update).await.unwrap_err().code(), Code::Aborted);
    assert_eq!(ours.list_matter_types(list.clone()).await.unwrap().into_inner().matter_types.len(), types.len() + 1);
    let theirs_of = |code: &str| GetMatterTypeRequest { name: format!("villages/{NEIGHBOUR}/matterTypes/{code}") };
    assert!(theirs.get_matter_type(theirs_of("refuse")).await.unwrap().into_inner().default);
    assert_eq!(theirs.get_matter_type(theirs_of("pond")).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(theirs.list_matter_types(list).await.unwrap_err().code(), Code::PermissionDenied);

    // And what is raised from now on goes by it.
    let mut clerk = clerk(&stage, &running);
    let pond =
        clerk.create_concern(report(about(Matter::Environment, "池塘清淤"), GAOCHONG)).await.unwrap().into_inner();
    assert_eq!((pond.urgency(), seconds(pond.due_time)), (Urgency::Urgent, at("2026-02-24T09:00:00+08:00")));
}

#[tokio::test]
async fn a_deadline_that_is_changed_counts_for_what_is_raised_afterwards() {
    let stage = Stage::new().await;
    let running = before_the_festival(&stage).await;
    let mut ours = catalog(&stage, &running, Office::Clerk, GAOCHONG);
    let mut clerk = clerk(&stage, &running);
    let before = clerk.create_concern(report(about(Matter::Environment, ""), GAOCHONG)).await.unwrap().into_inner();
    let list = ListDeadlinesRequest { parent: parent() };
    let deadlines = ours.list_deadlines(list.clone()).await.unwrap().into_inner().deadlines;
    assert_eq!(deadlines.len(), 12);
    let one = deadlines.into_iter().find(|one| one.name.ends_with("/environment-normal")).unwrap();
    let update = UpdateDeadlineRequest {
        deadline: Some(Deadline { response_hours: 4, resolution_hours: 8, ..one }),
        ..Default::default()
    };
    let changed = ours.update_deadline(update.clone()).await.unwrap().into_inner();
    assert_eq!((changed.resolution_hours, changed.default, changed.etag.as_str()), (8, false, "1"));
    assert_eq!(ours.update_deadline(update).await.unwrap_err().code(), Code::Aborted);
    assert_eq!(get(&mut clerk, &before.name).await.unwrap(), before, "what runs is not touched");
    let after = clerk.create_concern(report(about(Matter::Environment, ""), GAOCHONG)).await.unwrap().into_inner();
    assert_eq!(seconds(after.due_time), at("2026-02-14T09:00:00+08:00"));
}

#[tokio::test]
async fn the_operator_brings_in_a_year_without_a_release() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut operator = catalog(&stage, &running, Office::Operator, "430112011");
    let ask = |year| GetCalendarRequest { parent: parent(), year };
    let known = operator.get_calendar(ask(2026)).await.unwrap().into_inner();
    assert!(known.known && known.days.len() > 30);
    assert!(!operator.get_calendar(ask(2027)).await.unwrap().into_inner().known);
    let day = |month, day, kind: CalendarDayKind| CalendarDay {
        date: Some(Date { year: 2027, month, day }),
        kind: kind.into(),
        title: "春节".into(),
    };
    let calendar = Calendar {
        place: "subdistricts/430112011".into(),
        year: 2027,
        days: vec![day(2, 5, CalendarDayKind::Holiday), day(2, 14, CalendarDayKind::MakeupWorkday)],
        ..Calendar::default()
    };
    let update = UpdateCalendarRequest { calendar: Some(calendar.clone()), ..Default::default() };
    operator.update_calendar(update.clone()).await.unwrap();
    let known = operator.get_calendar(ask(2027)).await.unwrap().into_inner();
    assert_eq!((known.known, &known.days), (true, &calendar.days));
    // It is the place's own, and the place is the operator's.
    let mut elsewhere = catalog(&stage, &running, Office::Operator, "430112012");
    let there = GetCalendarRequest { parent: "villages/430112012001".into(), year: 2027 };
    assert!(!elsewhere.get_calendar(there).await.unwrap().into_inner().known);
    assert_eq!(elsewhere.update_calendar(update).await.unwrap_err().code(), Code::PermissionDenied);
    let wrong = Calendar { days: vec![day(2, 30, CalendarDayKind::Holiday)], ..calendar };
    let wrong = UpdateCalendarRequest { calendar: Some(wrong), ..Default::default() };
    assert_eq!(operator.update_calendar(wrong).await.unwrap_err().code(), Code::InvalidArgument);
    rows(&running, "select count(*) from calendar_change", 1).await;
}

#[tokio::test]
async fn who_changed_the_catalogue_or_the_calendar_is_on_record_and_a_repeat_or_a_stale_copy_changes_nothing() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut operator = catalog(&stage, &running, Office::Operator, "430112011");
    let place = "subdistricts/430112011".to_owned();
    let calendar = Calendar {
        place: place.clone(),
        year: 2027,
        days: vec![CalendarDay {
            date: Some(Date { year: 2027, month: 1, day: 1 }),
            kind: CalendarDayKind::Holiday.into(),
            title: "元旦".into(),
        }],
        etag: "0".into(),
        ..Calendar::default()
    };
    let request_id = uuid::Uuid::now_v7().to_string();
    let update = UpdateCalendarRequest { calendar: Some(calendar.clone()), request_id };
    let made = operator.update_calendar(update.clone()).await.unwrap().into_inner();
    assert_eq!((made.etag.as_str(), made.known), ("1", true));
    assert_eq!(operator.update_calendar(update).await.unwrap().into_inner(), made, "the same request again");
    let stale = UpdateCalendarRequest { calendar: Some(calendar), ..Default::default() };
    assert_eq!(operator.update_calendar(stale).await.unwrap_err().code(), Code::Aborted);
    let read = operator.get_calendar(GetCalendarRequest { parent: place, year: 2027 }).await.unwrap().into_inner();
    assert_eq!(read, made);
    // A village has said nothing of its own, and does not read what lies around it by itself.
    let mut clerk = catalog(&stage, &running, Office::Clerk, GAOCHONG);
    let ours = clerk.get_calendar(GetCalendarRequest { parent: parent(), year: 2027 }).await.unwrap().into_inner();
    assert_eq!((ours.days, ours.etag.as_str()), (made.days, "0"));

    let policy = DeliberationPolicy {
        name: format!("{}/deliberationPolicy", parent()),
        large_expense_yuan: 50_000,
        notice_days: 5,
        ..Default::default()
    };
    let caller = stage.caller(Office::Clerk, GAOCHONG, &[]);
    DeliberationServiceClient::with_interceptor(running.channel(), caller)
        .update_deliberation_policy(UpdateDeliberationPolicyRequest { policy: Some(policy), ..Default::default() })
        .await
        .unwrap();
    let deadline = Deadline {
        name: format!("{}/deadlines/environment-normal", parent()),
        response_hours: 4,
        resolution_hours: 8,
        ..Default::default()
    };
    clerk.update_deadline(UpdateDeadlineRequest { deadline: Some(deadline), ..Default::default() }).await.unwrap();
    let refuse = MatterType { name: format!("{}/matterTypes/refuse", parent()), retired: true, ..Default::default() };
    let update = UpdateMatterTypeRequest {
        matter_type: Some(refuse),
        update_mask: Some(prost_types::FieldMask { paths: vec!["retired".into()] }),
        ..Default::default()
    };
    clerk.update_matter_type(update).await.unwrap();
    let mut log: Vec<(String, String, i64, String)> = sqlx::query_as(
        "select noun, record, revision, office from change_log where recorded_at <= now() and subject <> ''",
    )
    .fetch_all(&mut running.database.connect_as_owner().await)
    .await
    .unwrap();
    log.sort();
    let entry = |noun: &str, record: String, office: &str| (noun.to_owned(), record, 1, office.to_owned());
    let expected = [
        entry("calendar", "subdistricts/430112011/calendars/2027".into(), "operator"),
        entry("deadline", format!("{}/deadlines/environment-normal", parent()), "clerk"),
        entry("deliberation_policy", format!("{}/deliberationPolicy", parent()), "clerk"),
        entry("matter_type", format!("{}/matterTypes/refuse", parent()), "clerk"),
    ];
    assert_eq!(log, expected);
    // And it is news: of a place that is no village, too.
    rows(&running, "select count(*) from published", 4).await;
}
