//! The ledger's sheet 民意: the real one, and ones with mistakes.

use harness::{Running, Stage};
use platform::Office;
use proto::casework::v1::import_ledger_response::Step;
use proto::casework::v1::ledger_service_client::LedgerServiceClient;
use proto::casework::v1::{
    AcceptConcernRequest, Concern, ConcernFilter, ConcernState, ExportLedgerRequest, FollowUpOutcome,
    ImportLedgerRequest, LedgerFormat, ListConcernsRequest, Matter, WithdrawConcernRequest,
};
use proto::liaison::v1::{SeatHolder, TeamChanged};
use proto::platform::v1::{ImportReport, SheetOutcome};
use proto::registry::v1::{GridChanged, GridState, HouseholdChanged, HouseholdState};
use tonic::Status;
use tonic_types::StatusExt;
use uuid::Uuid;
use workbook::{Cell, Column, Limits, Table, Workbook, write};

use crate::{GAOCHONG, News, casework, clerk, concern, grid, report, rows};

const HEADINGS: &[&str] = &[
    "编号",
    "日期",
    "微网格编号",
    "村民代表",
    "户编号",
    "四类事",
    "事项",
    "描述",
    "状态",
    "办结日期",
    "办理结果",
    "满意度",
];
const GOOD: &[&str] = &["MY1", "2023-05-01", "027", "戴华良", "00001", "民", "路灯", "路灯不亮", "待受理", "", "", ""];

fn real(file: &str) -> Vec<u8> {
    std::fs::read(format!("{}/../../deploy/data/gaochong/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// A ledger of these rows.
fn ledger(rows: &[Vec<&str>]) -> Vec<u8> {
    let mut table = Table::new("民意", HEADINGS);
    for row in rows {
        table.push(row.iter().map(|text| Cell::from(*text)).collect());
    }
    write(&[table]).unwrap()
}

/// The good row with some cells changed.
fn row<'a>(changed: &[(&str, &'a str)]) -> Vec<&'a str> {
    let mut row: Vec<&str> = GOOD.to_vec();
    for (heading, text) in changed {
        row[HEADINGS.iter().position(|one| one == heading).unwrap()] = text;
    }
    row
}

async fn import(
    stage: &Stage,
    running: &Running,
    content: Vec<u8>,
    validate_only: bool,
) -> Result<ImportReport, Status> {
    let caller = stage.caller(Office::Clerk, GAOCHONG, &[]);
    let mut client = LedgerServiceClient::with_interceptor(running.channel(), caller);
    let request =
        ImportLedgerRequest { parent: format!("villages/{GAOCHONG}"), content: content.into(), validate_only };
    let mut steps = client.import_ledger(request).await?.into_inner();
    let mut last = None;
    while let Some(step) = steps.message().await? {
        last = step.step;
    }
    match last {
        Some(Step::Report(report)) => Ok(report),
        other => panic!("{other:?}"),
    }
}

/// rows, created, updated, unchanged, refused
fn counts(report: &ImportReport) -> [i32; 5] {
    let [SheetOutcome { rows, created, updated, unchanged, refused, .. }] = report.sheets[..] else {
        panic!("{report:?}")
    };
    [rows, created, updated, unchanged, refused]
}

/// The news of all of Gaochong's grids, households and teams, as its roster has them; and casework has read it.
async fn gaochong(stage: &Stage, running: &Running) -> News {
    const TEAMS: &[Column] = &[Column::required("微网格编号"), Column::required("村民代表")];
    const HOUSEHOLDS: &[Column] = &[Column::required("户编号"), Column::required("微网格编号")];
    let mut roster = Workbook::open(real("roster.xlsx"), &Limits::default()).unwrap();
    let read = |row: &mut workbook::Row<'_>| Some((row.digits("微网格编号", 3)?, row.name("村民代表")?));
    let teams = roster.sheet("三人组", TEAMS, read).unwrap_or_else(|problems| panic!("{problems:?}")).1.good;
    let read = |row: &mut workbook::Row<'_>| Some((row.code("户编号")?, row.digits("微网格编号", 3)?));
    let households = roster.sheet("住户", HOUSEHOLDS, read).unwrap_or_else(|problems| panic!("{problems:?}")).1.good;
    let id = |text: &str| Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes());

    let news = News::of(stage).await;
    let grids: Vec<GridChanged> = teams
        .iter()
        .map(|(_, (code, _))| GridChanged {
            name: grid(GAOCHONG, code),
            revision: 1,
            state: GridState::Active.into(),
            ..Default::default()
        })
        .collect();
    let seated: Vec<TeamChanged> = teams
        .iter()
        .map(|(_, (code, name))| TeamChanged {
            name: format!("villages/{GAOCHONG}/teams/{code}"),
            revision: 1,
            representative: Some(SeatHolder {
                member: format!("villages/{GAOCHONG}/members/{}", id(name)),
                display_name: name.clone(),
                ..Default::default()
            }),
            ..Default::default()
        })
        .collect();
    let living: Vec<HouseholdChanged> = households
        .iter()
        .map(|(_, (number, code))| HouseholdChanged {
            name: format!("villages/{GAOCHONG}/households/{}", id(number)),
            revision: 1,
            number: number.clone(),
            grid: grid(GAOCHONG, code),
            state: HouseholdState::Active.into(),
            ..Default::default()
        })
        .collect();
    news.registry.tells(&grids).await;
    news.registry.tells(&living).await;
    news.liaison.tells(&seated).await;
    rows(running, "select count(*) from household", 1186).await;
    rows(running, "select count(*) from team", 75).await;
    news
}

async fn the_one(stage: &Stage, running: &Running, reference: &str) -> Concern {
    let request = ListConcernsRequest {
        parent: format!("villages/{GAOCHONG}"),
        filter: Some(ConcernFilter { reference: reference.into(), ..Default::default() }),
        ..Default::default()
    };
    clerk(stage, running).list_concerns(request).await.unwrap().into_inner().concerns.remove(0)
}

#[tokio::test]
async fn the_real_ledger_goes_in_once() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let _news = gaochong(&stage, &running).await;

    let checked = import(&stage, &running, real("ledger.xlsx"), true).await.unwrap();
    assert_eq!((counts(&checked), checked.validate_only), ([45, 45, 0, 0, 0], true));
    rows(&running, "select count(*) from concern", 0).await;

    let report = import(&stage, &running, real("ledger.xlsx"), false).await.unwrap();
    assert_eq!((counts(&report), report.problems.len()), ([45, 45, 0, 0, 0], 0));
    let list = ListConcernsRequest { parent: format!("villages/{GAOCHONG}"), ..Default::default() };
    let concerns = clerk(&stage, &running).list_concerns(list).await.unwrap().into_inner().concerns;
    let many = |what: &dyn Fn(&Concern) -> bool| concerns.iter().filter(|one| what(one)).count();
    let matters = [Matter::ResidentAffairs, Matter::BusinessAffairs, Matter::Environment, Matter::OutreachEducation];
    assert_eq!(matters.map(|matter| many(&|one| one.matter() == matter)), [17, 8, 14, 6]);
    assert_eq!(many(&|one| one.resolved_on.is_some()), 15);
    assert_eq!(many(&|one| one.state() == ConcernState::Closed), 15);
    assert_eq!(many(&|one| one.state() == ConcernState::Deliberating), 3);
    assert_eq!(many(&|one| one.follow_up_outcome() == FollowUpOutcome::Satisfied), 15);
    assert_eq!(many(&|one| one.routed && !one.reporter.is_empty() && !one.grid.is_empty()), 45);

    let again = import(&stage, &running, real("ledger.xlsx"), false).await.unwrap();
    assert_eq!(counts(&again), [45, 0, 0, 45, 0]);
    rows(&running, "select count(*) from change_log", 45).await;
    rows(&running, "select count(*) from move where kind = 'imported' and revision = 1", 45).await;
}

#[tokio::test]
async fn a_ledger_takes_a_concern_on_and_never_back() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let _news = News::known(&stage, &running, GAOCHONG).await;
    let first = ledger(&[row(&[])]);
    let report = import(&stage, &running, first.clone(), false).await.unwrap();
    assert_eq!((counts(&report), &report.problems[..]), ([1, 1, 0, 0, 0], &[][..]));
    let reported = the_one(&stage, &running, "MY1").await;

    // Accepted here, the ledger's old row does not undo it, nor does a row that only puts the text right.
    let accept = AcceptConcernRequest { name: reported.name.clone(), ..Default::default() };
    clerk(&stage, &running).accept_concern(accept).await.unwrap();
    assert_eq!(counts(&import(&stage, &running, first, false).await.unwrap()), [1, 0, 0, 1, 0]);
    let mended = ledger(&[row(&[("描述", "三栋后的路灯不亮")])]);
    assert_eq!(counts(&import(&stage, &running, mended, false).await.unwrap()), [1, 0, 1, 0, 0]);
    let mended = the_one(&stage, &running, "MY1").await;
    assert_eq!((mended.state(), mended.text.as_str()), (ConcernState::Accepted, "三栋后的路灯不亮"));

    let done =
        ledger(&[row(&[("状态", "已化解"), ("办结日期", "2023年5月9日"), ("办理结果", "换了灯"), ("满意度", "3")])]);
    assert_eq!(counts(&import(&stage, &running, done.clone(), false).await.unwrap()), [1, 0, 1, 0, 0]);
    let closed = the_one(&stage, &running, "MY1").await;
    assert_eq!((closed.state(), closed.result.as_str(), closed.score), (ConcernState::Closed, "换了灯", 3));
    assert_eq!(closed.follow_up_outcome(), FollowUpOutcome::PartlySatisfied);
    assert_eq!(closed.etag, "4");
    assert_eq!(counts(&import(&stage, &running, done, false).await.unwrap()), [1, 0, 0, 1, 0]);
}

#[tokio::test]
async fn good_rows_go_in_and_every_bad_one_is_told_by_row_and_column() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let _news = News::known(&stage, &running, GAOCHONG).await;
    let file = ledger(&[
        row(&[]),
        row(&[("编号", "MY2"), ("四类事", "吃"), ("状态", "做完了")]),
        row(&[("编号", "MY3"), ("日期", "2023-02-30")]),
        row(&[("编号", "MY4"), ("状态", "已化解"), ("办结日期", "2023-04-30")]),
        row(&[("编号", "MY5"), ("微网格编号", "099"), ("户编号", "")]),
        row(&[("编号", "MY6"), ("户编号", "99999")]),
        row(&[("编号", "MY1")]),
        row(&[("编号", "MY7"), ("微网格编号", ""), ("户编号", "")]),
        row(&[("编号", "MY8"), ("满意度", "5")]),
        row(&[("编号", "MY9"), ("村民代表", "别人")]),
        row(&[("编号", "MY10"), ("描述", ""), ("状态", "已化解")]),
    ]);
    let report = import(&stage, &running, file, false).await.unwrap();
    assert_eq!(counts(&report), [11, 2, 0, 0, 9]);
    let mut told: Vec<_> =
        report.problems.iter().map(|one| (one.row, one.column.as_str(), one.reason.as_str())).collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            (3, "四类事", "NOT_A_CHOICE"),
            (3, "状态", "NOT_A_CHOICE"),
            (4, "日期", "NO_SUCH_DATE"),
            (5, "办结日期", "RESOLVED_BEFORE_REPORTED"),
            (6, "微网格编号", "UNKNOWN_GRID"),
            (7, "户编号", "UNKNOWN_HOUSEHOLD"),
            (8, "编号", "DUPLICATE"),
            (9, "微网格编号", "BLANK"),
            (10, "满意度", "NOT_RESOLVED"),
            (11, "村民代表", "UNKNOWN_MEMBER"),
            (12, "办结日期", "BLANK"),
            (12, "描述", "BLANK"),
        ]
    );
    assert!(report.problems.iter().all(|one| one.sheet == "民意" && !one.message.is_ascii()));
}

#[tokio::test]
async fn before_any_news_a_check_looks_at_the_form_only_and_says_so() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let file = ledger(&[row(&[]), row(&[("编号", "MY2"), ("四类事", "吃")]), row(&[("描述", "编号重复")])]);
    let checked = import(&stage, &running, file.clone(), true).await.unwrap();
    assert_eq!(counts(&checked), [3, 1, 0, 0, 2]);
    let mut told: Vec<_> = checked.problems.iter().map(|one| (one.row, one.reason.as_str())).collect();
    told.sort_unstable();
    assert_eq!(told, [(0, "NOT_CHECKED"), (3, "NOT_A_CHOICE"), (4, "DUPLICATE")]);
    assert_eq!(counts(&import(&stage, &running, file, false).await.unwrap()), [3, 0, 0, 0, 3]);
}

#[tokio::test]
async fn a_file_that_is_no_ledger_is_refused_as_a_whole() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let nonsense = import(&stage, &running, b"nonsense".to_vec(), false).await.unwrap_err();
    assert_eq!(nonsense.get_details_error_info().unwrap().reason, "WORKBOOK_UNREADABLE");
    let other = import(&stage, &running, write(&[Table::new("住户", &["户编号"])]).unwrap(), false).await.unwrap_err();
    assert!(other.message().contains("民意"), "{other}");
}

async fn export(stage: &Stage, running: &Running, caller: Office, format: LedgerFormat) -> Result<Vec<u8>, Status> {
    let scope = if caller == Office::Officer { "430112011" } else { GAOCHONG };
    let mut client = LedgerServiceClient::with_interceptor(running.channel(), stage.caller(caller, scope, &[]));
    let parent = format!("villages/{GAOCHONG}");
    let request = ExportLedgerRequest { parent, format: format.into(), purpose: "年度核对".into() };
    let mut pieces = client.export_ledger(request).await?.into_inner();
    let mut file = Vec::new();
    while let Some(piece) = pieces.message().await? {
        file.extend_from_slice(&piece.content);
    }
    Ok(file)
}

#[tokio::test]
async fn what_is_exported_imports_to_the_same_state_here_and_elsewhere() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let _news = gaochong(&stage, &running).await;
    import(&stage, &running, real("ledger.xlsx"), false).await.unwrap();
    // And some that came in here and went every way.
    let mut clerk = clerk(&stage, &running);
    let mut made = Vec::new();
    for text in ["=1+1", "+86", "-3", "@risk"] {
        let told =
            Concern { text: text.into(), household: String::new(), grid: grid(GAOCHONG, "027"), ..concern(GAOCHONG) };
        made.push(clerk.create_concern(report(told, GAOCHONG)).await.unwrap().into_inner().name);
    }
    let accept = AcceptConcernRequest { name: made[1].clone(), ..Default::default() };
    clerk.accept_concern(accept).await.unwrap();
    let (name, note) = (made[2].clone(), "不再需要".to_owned());
    clerk.withdraw_concern(WithdrawConcernRequest { name, note, ..Default::default() }).await.unwrap();

    for format in [LedgerFormat::Xlsx, LedgerFormat::Csv] {
        let file = export(&stage, &running, Office::Clerk, format).await.unwrap();
        let report = import(&stage, &running, file.clone(), false).await.unwrap();
        assert_eq!((counts(&report), &report.problems[..]), ([49, 0, 0, 49, 0], &[][..]), "{format:?}");
        if format == LedgerFormat::Csv {
            assert!(file.windows(5).any(|bytes| bytes == b"'=1+1"), "nothing runs in a spreadsheet");
        }
        // A casework that knows the village and none of its concerns takes all of it.
        let elsewhere = Stage::new().await;
        let fresh = casework(&elsewhere).await;
        let _news = gaochong(&elsewhere, &fresh).await;
        let report = import(&elsewhere, &fresh, file, false).await.unwrap();
        assert_eq!((counts(&report), &report.problems[..]), ([49, 49, 0, 0, 0], &[][..]), "{format:?}");
        let state =
            "select string_agg(concat_ws('|', reference, matter, matter_type, text, household, grid, reporter, state,
                                                 reported_on, accepted_on, resolved_on, followed_up_on, confirmed_on,
                                                 closed_on, ended_on, result, outcome, score), ';' order by reference)
                       from concern";
        let mut states = Vec::new();
        for one in [&running, &fresh] {
            let mut owner = one.database.connect_as_owner().await;
            states.push(sqlx::query_scalar::<_, String>(state).fetch_one(&mut owner).await.unwrap());
        }
        assert_eq!(states[0], states[1], "{format:?}");
    }
    rows(&running, "select count(*) from ledger_export where purpose = '年度核对' and office = 'clerk'", 2).await;
}

#[tokio::test]
async fn a_ledger_is_given_out_for_a_purpose_and_without_what_is_sensitive() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let _news = News::known(&stage, &running, GAOCHONG).await;
    let mut clerk = clerk(&stage, &running);
    let told = Concern { sensitive: true, text: "家庭暴力".into(), ..concern(GAOCHONG) };
    let name = clerk.create_concern(report(told, GAOCHONG)).await.unwrap().into_inner().name;
    let file = export(&stage, &running, Office::Officer, LedgerFormat::Csv).await.unwrap();
    let text = String::from_utf8(file.clone()).unwrap();
    assert!(text.contains("（敏感，未导出）") && !text.contains("家庭暴力"));
    // Brought in again, it leaves the words as they are.
    assert_eq!(counts(&import(&stage, &running, file, false).await.unwrap()), [1, 0, 0, 1, 0]);
    assert_eq!(crate::get(&mut clerk, &name).await.unwrap().text, "家庭暴力");
    let whole = export(&stage, &running, Office::Clerk, LedgerFormat::Csv).await.unwrap();
    assert!(String::from_utf8(whole).unwrap().contains("家庭暴力"));

    let caller = stage.caller(Office::Clerk, GAOCHONG, &[]);
    let mut client = LedgerServiceClient::with_interceptor(running.channel(), caller);
    let purposeless = ExportLedgerRequest { parent: format!("villages/{GAOCHONG}"), ..Default::default() };
    assert_eq!(client.export_ledger(purposeless).await.unwrap_err().code(), tonic::Code::InvalidArgument);
    let refused = export(&stage, &running, Office::Cadre, LedgerFormat::Xlsx).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::PermissionDenied);
}
