//! `lianxin onboard`: a village becomes a tenant, out of the workbooks it already keeps.
//!
//! Each service reads its own sheets of the same file. No step guesses when the one before has been
//! heard of: it takes a mark and lets the next call come after it.

mod marked;
mod printed;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use proto::casework::v1 as casework;
use proto::liaison::v1 as liaison;
use proto::names::{SubdistrictName, VillageCode, VillageName};
use proto::platform::v1::{ImportProblem, ImportProgress, ImportReport, Mark};
use proto::reasons;
use proto::registry::v1 as registry;
use proto::registry::v1::village_service_client::VillageServiceClient;
use tonic::{Code, Status, Streaming};

use crate::client::{Access, Line, Metadata, connect, mark, reason, told};
use printed::print;

/// A workbook is one message, and no larger.
const LARGEST_WORKBOOK: usize = 32 * 1024 * 1024;

/// Which village, from which files.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Official 12-digit division code, for instance 430112011211
    village: VillageCode,

    /// Name of the village, for instance 高冲村
    #[arg(long)]
    name: String,

    /// Workbook with 片区 村民小组 党小组 网格员 微网格 村民代表 三人组 住户 家庭成员 商户
    #[arg(long)]
    roster: Option<PathBuf>,

    /// Workbook with 走访 and 民意
    #[arg(long)]
    ledger: Option<PathBuf>,

    /// Folder for the workbooks with their bad cells marked, each with its reason in a note, to be mended and sent again
    #[arg(long)]
    report_to: Option<PathBuf>,

    /// The village is the first of its sub-district here
    #[arg(long)]
    new_subdistrict: bool,

    /// Only say what would be done and what is wrong; change nothing. The village has to be there already
    #[arg(long)]
    check: bool,

    #[command(flatten)]
    access: Access,
}

/// A village to be onboarded.
#[derive(Debug, Clone)]
pub struct Village {
    /// Its code.
    pub code: VillageCode,
    /// Its name.
    pub name: String,
    /// Its roster, if it has one.
    pub roster: Option<PathBuf>,
    /// Its ledger, if it has one.
    pub ledger: Option<PathBuf>,
}

/// What the command exits with when it did its work and rows were refused: neither a success nor a failure of its own.
const ROWS_REFUSED: u8 = 3;

/// Onboards one village, and says what was done with every sheet. Bad rows are no error: they are listed, the good ones
/// are in, and the answer is another code than success.
///
/// # Errors
/// When a service or a file cannot be reached, a file is not a workbook, or the code is of a sub-district that nobody
/// knows.
pub async fn run(arguments: Arguments) -> Result<ExitCode> {
    let Arguments { village, name, roster, ledger, report_to, new_subdistrict, check, access } = arguments;
    let caller = access.caller(village.as_str())?;
    let village = Village { code: village, name, roster, ledger };
    if !new_subdistrict && !check {
        must_know_subdistrict(&access, &village).await?;
    }
    let done = onboard(&village, check, &access, &caller, true).await?;
    if done.sheets == 0 && (village.roster.is_some() || village.ledger.is_some()) {
        bail!("没有可导入的工作表：请核对工作表的名称（片区、村民小组、微网格、住户、走访、民意……）");
    }
    let marked = match &report_to {
        Some(folder) => marked::write(&access, &caller, &village, &done, folder).await?,
        None => Vec::new(),
    };
    marked.iter().for_each(|file| println!("\n已标出问题的工作簿：{}（黄色单元格，原因见批注）", file.display()));
    if done.refused == 0 {
        match check {
            true => println!("\n没有发现问题。只做了检查，没有改动任何数据。去掉 --check 即可导入。"),
            false => println!("\n完成。查看数字：lianxin report {}", village.code),
        }
        return Ok(ExitCode::SUCCESS);
    }
    let refused = done.refused;
    match check {
        true => println!("\n有 {refused} 行不能导入。只做了检查，没有改动任何数据：请改正上面列出的行，再检查一次。"),
        false => println!(
            "\n好的行已导入，有 {refused} 行没有导入：改正上面列出的行后再导入同一文件即可，已导入的行不会重复。"
        ),
    }
    if report_to.is_none() {
        println!("加上 --report-to 文件夹，可得到标出这些单元格并附原因的工作簿，在上面直接改。");
    }
    Ok(ExitCode::from(ROWS_REFUSED))
}

/// What onboarding did.
#[derive(Debug, Default)]
pub struct Done {
    /// Marks of all that it committed, one for each service: what is called after them sees it.
    pub marks: Vec<Mark>,
    /// Sheets that were read.
    pub sheets: usize,
    /// Rows that were not taken.
    pub refused: i32,
    /// Rows that made or changed a record.
    pub changed: i32,
    /// What is wrong with the roster.
    pub roster_problems: Vec<ImportProblem>,
    /// What is wrong with the ledger.
    pub ledger_problems: Vec<ImportProblem>,
}

/// Which of the two workbooks.
#[derive(Clone, Copy)]
enum Book {
    Roster,
    Ledger,
}

/// Onboards one village; with `aloud`, shows progress and every report.
///
/// # Errors
/// As [`run`].
pub async fn onboard(village: &Village, check: bool, access: &Access, caller: &Metadata, aloud: bool) -> Result<Done> {
    let parent = VillageName(village.code).to_string();
    let mut done = Done::default();

    let line = connect(&access.registry, caller).await?;
    if check {
        must_exist(line.clone(), village).await?;
    } else {
        create(line.clone(), village).await?;
    }
    if let Some(roster) = &village.roster {
        done.add("registry", Book::Roster, import_places(&line, &parent, roster, check, aloud).await?, aloud);
    }
    done.marks.push(mark(&line, &parent).await?);

    let line = connect(&access.liaison, &caller.after(&done.marks)?).await?;
    // A CSV file is one sheet, and the registry's.
    if let Some(roster) = village.roster.as_ref().filter(|roster| !is_csv(roster)) {
        done.add("liaison", Book::Roster, import_members(&line, &parent, roster, check, aloud).await?, aloud);
    }
    if let Some(ledger) = &village.ledger {
        done.add("liaison", Book::Ledger, import_visits(&line, &parent, ledger, check, aloud).await?, aloud);
    }
    done.marks.push(mark(&line, &parent).await?);

    if let Some(ledger) = &village.ledger {
        let line = connect(&access.casework, &caller.after(&done.marks)?).await?;
        done.add("casework", Book::Ledger, import_concerns(&line, &parent, ledger, check, aloud).await?, aloud);
        done.marks.push(mark(&line, &parent).await?);
    }
    Ok(done)
}

impl Done {
    /// Adds what a service did with its sheets; nothing, if the workbook has none of them.
    fn add(&mut self, service: &str, book: Book, report: Option<ImportReport>, aloud: bool) {
        let Some(report) = report else {
            if aloud {
                println!("{service}：文件里没有它的工作表");
            }
            return;
        };
        self.sheets += report.sheets.len();
        self.refused += report.sheets.iter().map(|sheet| sheet.refused).sum::<i32>();
        self.changed += report.sheets.iter().map(|sheet| sheet.created + sheet.updated).sum::<i32>();
        if aloud {
            print(service, &report);
        }
        match book {
            Book::Roster => self.roster_problems.extend(report.problems),
            Book::Ledger => self.ledger_problems.extend(report.problems),
        }
    }
}

fn is_csv(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"))
}

/// A slip in the first nine digits would make a tenant of a village that is somebody else's: a sub-district of which no
/// village is here yet has to be meant. Whoever may not list its villages has a token for this village, and so means it.
async fn must_know_subdistrict(access: &Access, village: &Village) -> Result<()> {
    let code = village.code.subdistrict();
    let line = connect(&access.registry, &access.caller(code.as_str())?).await?;
    let request = registry::ListVillagesRequest {
        parent: SubdistrictName(code).to_string(),
        page_size: 1,
        ..registry::ListVillagesRequest::default()
    };
    match VillageServiceClient::new(line).list_villages(request).await {
        Ok(listed) if listed.get_ref().villages.is_empty() => bail!(
            "街道（乡镇）{code} 还没有任何村(社区)：请核对 {} 的前9位；如确实是新的街道，请加上 --new-subdistrict",
            village.code
        ),
        Err(status) if status.code() != Code::PermissionDenied => Err(told(status)),
        _ => Ok(()),
    }
}

/// The village as the registry has it, if it is a tenant already.
async fn find(line: Line, village: &Village) -> Result<Option<registry::Village>> {
    let request = registry::GetVillageRequest { name: VillageName(village.code).to_string() };
    match VillageServiceClient::new(line).get_village(request).await {
        Ok(found) => Ok(Some(found.into_inner())),
        Err(status) if status.code() == Code::NotFound => Ok(None),
        Err(status) => Err(told(status)),
    }
}

/// Makes the village a tenant, unless it is one.
async fn create(line: Line, village: &Village) -> Result<()> {
    let Village { code, name, .. } = village;
    if let Some(found) = find(line.clone(), village).await? {
        if found.display_name != *name {
            println!("{code} 已经建立，名称是{}，没有改为{name}（改名用 UpdateVillage）", found.display_name);
        }
        return Ok(());
    }
    let request = registry::CreateVillageRequest {
        village_id: code.to_string(),
        village: Some(registry::Village { display_name: name.clone(), ..registry::Village::default() }),
        request_id: String::new(),
    };
    match VillageServiceClient::new(line).create_village(request).await {
        Ok(_) => Ok(()),
        Err(status) if status.code() == Code::AlreadyExists => Ok(()), // somebody else was faster
        Err(status) => Err(told(status)),
    }
}

/// A check changes nothing, so it cannot make the village whose workbooks it looks at.
async fn must_exist(line: Line, village: &Village) -> Result<()> {
    let Village { code, name, .. } = village;
    if find(line, village).await?.is_none() {
        bail!(
            "{name}（{code}）还没有建立，无法检查它的工作簿。请先只建立这个村(社区)，再检查：\n  \
             lianxin onboard {code} --name {name}"
        );
    }
    Ok(())
}

/// One message of an import's answer.
enum Step {
    Progress(ImportProgress),
    Report(ImportReport),
}

/// The imports differ in nothing but their types: each hands a workbook to its service and follows it to the report.
macro_rules! import {
    ($name:ident, $client:ty, $method:ident, $package:ident::$request:ident, $step:path) => {
        async fn $name(
            line: &Line,
            parent: &str,
            file: &Path,
            check: bool,
            aloud: bool,
        ) -> Result<Option<ImportReport>> {
            use $step as Contract;
            #[allow(clippy::needless_update, reason = "some of the imports are asked more")]
            let request = $package::$request {
                parent: parent.to_owned(),
                content: read(file)?,
                validate_only: check,
                ..$package::$request::default()
            };
            let mut client = <$client>::new(line.clone()).max_encoding_message_size(LARGEST_WORKBOOK);
            let step = |step| match step {
                Contract::Progress(progress) => Step::Progress(progress),
                Contract::Report(report) => Step::Report(report),
            };
            let outcome = match client.$method(request).await {
                Ok(steps) => follow(steps.into_inner(), aloud, |message| message.step.map(step)).await,
                Err(status) => Err(status),
            };
            match outcome {
                Ok(report) => Ok(Some(report)),
                // A workbook may hold the sheets of one service and not of another.
                Err(status) if reason(&status).as_deref() == Some(reasons::SHEET_MISSING) => Ok(None),
                Err(status) => Err(told(status)),
            }
        }
    };
}
import!(
    import_places,
    registry::roster_service_client::RosterServiceClient<Line>,
    import_roster,
    registry::ImportRosterRequest,
    registry::import_roster_response::Step
);
import!(
    import_members,
    liaison::roster_service_client::RosterServiceClient<Line>,
    import_roster,
    liaison::ImportRosterRequest,
    liaison::import_roster_response::Step
);
import!(
    import_visits,
    liaison::roster_service_client::RosterServiceClient<Line>,
    import_ledger,
    liaison::ImportLedgerRequest,
    liaison::import_ledger_response::Step
);
import!(
    import_concerns,
    casework::ledger_service_client::LedgerServiceClient<Line>,
    import_ledger,
    casework::ImportLedgerRequest,
    casework::import_ledger_response::Step
);

/// Follows an import to its report, showing how far it is.
async fn follow<T>(
    mut steps: Streaming<T>,
    aloud: bool,
    read: impl Fn(T) -> Option<Step>,
) -> Result<ImportReport, Status> {
    let bar = if aloud { ProgressBar::new(0) } else { ProgressBar::hidden() };
    bar.set_style(
        ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len}").unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    while let Some(message) = steps.message().await? {
        match read(message) {
            Some(Step::Progress(progress)) => {
                bar.set_prefix(progress.sheet);
                bar.set_length(u64::try_from(progress.total).unwrap_or(0));
                bar.set_position(u64::try_from(progress.done).unwrap_or(0));
            }
            Some(Step::Report(report)) => {
                bar.finish_and_clear();
                return Ok(report);
            }
            None => {}
        }
    }
    Err(Status::unavailable("the import ended without a report; import the same file again"))
}

fn read(file: &Path) -> Result<bytes::Bytes> {
    Ok(std::fs::read(file).with_context(|| format!("workbook {}", file.display()))?.into())
}
