//! `lianxin erase village`: a village is gone from every service's database, and its news from the broker.
//!
//! The rows of all services are deleted first and then committed, one service after the other. Should that be cut off in
//! between, the command does the rest when it is run again: what is gone stays gone. News that was on its way may bring a
//! row back to a reader; so it is looked again, until nothing is left anywhere. Then the objects of its attachments go.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use proto::names::VillageCode;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::{Databases, Owned, count, open, tables};
use crate::events::Folder;
use crate::migrate::cause;

/// How often what news has brought back is deleted, and how long news may take to do so.
const ROUNDS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(500);
/// Rounds in a row that have to find nothing.
const QUIET: u32 = 2;

/// Which village.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Official 12-digit division code, for instance 430112011211
    village: VillageCode,

    /// The code once more, instead of typing it when asked
    #[arg(long)]
    confirm: Option<String>,

    /// Where attachments are
    #[command(flatten)]
    store: casework::attachments::Config,

    #[command(flatten)]
    databases: Owned,
}

pub(super) async fn run(arguments: Arguments) -> Result<()> {
    let Arguments { village, confirm, store, databases } = arguments;
    let all = databases.databases()?;
    let folder = Folder::at(&databases.folder);
    let store = folder.attachments(store);
    let held = held(&all, &village).await?;
    let typed = match confirm {
        Some(typed) => typed,
        None => ask(&village, held)?,
    };
    if typed.trim() != village.as_str() {
        bail!("输入的代码不是{village}，没有删除任何数据");
    }
    if held == 0 {
        // Should it have been cut off after the rows.
        let objects = casework::attachments::erase(&store, &village).await.map_err(cause)?;
        println!("没有 {village} 的数据；删除了附件文件 {objects} 个");
        return Ok(());
    }
    let broker = folder.broker("registry").await;
    if let Err(error) = &broker {
        println!("没有连接到 NATS（{error:#}）：消息流里这个村的消息没有清除；其中没有个人信息。");
    }
    let rows = erase(&all, &village, broker.as_ref().ok()).await?;
    let objects = casework::attachments::erase(&store, &village).await.map_err(cause)?;
    println!("{village}：已从各服务的数据库删除 {rows} 行、附件文件 {objects} 个，不再保留任何记录。");
    println!("如要重新建立同一个村(社区)，请先重启各服务：它们可能还记得原来的密钥。");
    Ok(())
}

fn ask(village: &VillageCode, rows: i64) -> Result<String> {
    print!(
        "将永久删除 {village} 的全部数据（{rows} 行），无法恢复。请先用 lianxin export village 留存。\n确认请输入村(社区)代码："
    );
    std::io::stdout().flush()?;
    let mut typed = String::new();
    std::io::stdin().read_line(&mut typed)?;
    Ok(typed)
}

/// Erases a village and says how many rows it had.
///
/// # Errors
/// When a database refuses, or when something keeps writing to the village.
pub async fn erase(databases: &Databases, village: &VillageCode, broker: Option<&async_nats::Client>) -> Result<i64> {
    let mut erased = 0;
    let mut quiet = 0;
    for _ in 0..ROUNDS {
        // Before the rows: what is not told any more brings nothing back.
        if let Some(broker) = broker {
            purge(broker, village).await?;
        }
        let rows = delete(databases, village).await?;
        erased += rows;
        quiet = if rows == 0 { quiet + 1 } else { 0 };
        if quiet == QUIET {
            return Ok(erased);
        }
        tokio::time::sleep(PAUSE).await;
    }
    bail!("somebody still writes to {village}; erase it again when they have stopped")
}

/// Deletes a village's rows from all databases, and commits when all of them are deleted everywhere.
async fn delete(databases: &Databases, village: &VillageCode) -> Result<i64> {
    let mut rows = 0;
    let mut open_all: Vec<(&str, PgConnection)> = Vec::new();
    for (service, database) in databases {
        let mut connection = open(database, village).await.with_context(|| format!("the database of {service}"))?;
        connection.execute("begin").await?;
        for table in tables(&mut connection).await? {
            let statement = format!("delete from \"{table}\" where village = $1");
            let done = sqlx::query(AssertSqlSafe(statement)).bind(village.as_str()).execute(&mut connection).await;
            rows += i64::try_from(done.with_context(|| format!("{service}.{table}"))?.rows_affected())?;
        }
        open_all.push((service, connection));
    }
    for (service, mut connection) in open_all {
        connection.execute("commit").await.with_context(|| format!("the database of {service}"))?;
        connection.close().await?;
    }
    Ok(rows)
}

/// How many rows of a village there are, in all databases.
///
/// # Errors
/// When a database cannot be reached.
pub async fn held(databases: &Databases, village: &VillageCode) -> Result<i64> {
    let mut rows = 0;
    for (service, database) in databases {
        let mut connection = open(database, village).await.with_context(|| format!("the database of {service}"))?;
        for table in tables(&mut connection).await? {
            rows += count(&mut connection, &table, village).await?;
        }
        connection.close().await?;
    }
    Ok(rows)
}

/// Takes a village's news out of the streams.
async fn purge(broker: &async_nats::Client, village: &VillageCode) -> Result<()> {
    let context = async_nats::jetstream::new(broker.clone());
    for stream in ["REGISTRY", "LIAISON", "CASEWORK"] {
        match context.get_stream(stream).await {
            Ok(stream) => _ = stream.purge().filter(format!("lianxin.v1.{village}.>")).await?,
            // A service that never ran has none.
            Err(error) if error.to_string().contains("not found") => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
