//! `picquet workspace`.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use comfy_table::{Table, presets};
use jiff::Timestamp;
use picquet_sources::ExternalPolicy;
use picquet_store::{Access, OutboxEntry, OutboxState, TableStatus, Workspace};
use serde_json::{Value, json};

use crate::cli::time;

/// For people or for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TextOrJson {
    /// For people
    Text,
    /// One object
    Json,
}

/// The workspace that a command works on.
#[derive(Debug, Args)]
pub(crate) struct WorkspaceArg {
    /// The workspace
    #[arg(value_name = "DIR", env = "PICQUET_WORKSPACE")]
    pub(crate) workspace: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct WorkspaceArgs {
    #[command(subcommand)]
    command: WorkspaceCommand,
}

#[derive(Debug, Subcommand)]
enum WorkspaceCommand {
    /// Make a workspace: a folder for tables, state, rules and settings
    Init(WorkspaceArg),
    /// What the workspace has, and how its rules fare
    Status {
        #[command(flatten)]
        workspace: WorkspaceArg,
        /// Form of the output
        #[arg(long, value_enum, default_value_t = TextOrJson::Text)]
        format: TextOrJson,
    },
    /// The tables, their rows, files and times
    Tables {
        #[command(flatten)]
        workspace: WorkspaceArg,
        /// Form of the output
        #[arg(long, value_enum, default_value_t = TextOrJson::Text)]
        format: TextOrJson,
    },
    /// Put small files together, and drop rows that are past their retention
    Compact {
        #[command(flatten)]
        workspace: WorkspaceArg,
        /// This table only
        #[arg(long, value_name = "TABLE")]
        table: Option<String>,
    },
    /// Tokens by which programs will prove themselves to the workspace's interfaces
    Token {
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// Messages to outputs that wait or were given up
    Outbox {
        #[command(flatten)]
        workspace: WorkspaceArg,
        /// Have the messages that were given up sent again
        #[arg(long)]
        resend: bool,
        /// Form of the output
        #[arg(long, value_enum, default_value_t = TextOrJson::Text)]
        format: TextOrJson,
    },
    /// Copy the workspace, also while it is in use
    Backup {
        #[command(flatten)]
        workspace: WorkspaceArg,
        /// The copy: a folder that is empty or not there
        #[arg(value_name = "COPY")]
        to: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Make a token; it is shown once, and only what tells it is kept
    Add {
        #[command(flatten)]
        workspace: WorkspaceArg,
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
        /// When it ends; never by default
        #[arg(long, value_name = "TIME", value_parser = time)]
        expires: Option<Timestamp>,
    },
    /// List the tokens
    List(WorkspaceArg),
    /// End a token
    Revoke {
        #[command(flatten)]
        workspace: WorkspaceArg,
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
    },
}

/// Opens a workspace.
pub(crate) async fn open(path: &Path, access: Access) -> anyhow::Result<Workspace> {
    Ok(Workspace::open(path, access, ExternalPolicy::default()).await?)
}

pub(crate) async fn run(args: &WorkspaceArgs) -> anyhow::Result<bool> {
    let mut out = std::io::stdout().lock();
    match &args.command {
        WorkspaceCommand::Init(WorkspaceArg { workspace }) => {
            Workspace::init(workspace)?;
            writeln!(
                out,
                "made {}: put rules into rules/, logs into inbox/, and see workspace.toml",
                workspace.display()
            )?;
        }
        WorkspaceCommand::Status { workspace, format } => {
            let workspace = open(&workspace.workspace, Access::Share).await?;
            match format {
                TextOrJson::Json => writeln!(out, "{}", super::status::json(&workspace)?)?,
                TextOrJson::Text => super::status::write(&workspace, &mut out)?,
            }
        }
        WorkspaceCommand::Tables { workspace, format } => {
            let workspace = open(&workspace.workspace, Access::Share).await?;
            let tables = workspace.tables();
            match format {
                TextOrJson::Json => writeln!(out, "{}", json!(tables.iter().map(table_json).collect::<Vec<_>>()))?,
                TextOrJson::Text => writeln!(out, "{}", table_of(&tables))?,
            }
        }
        WorkspaceCommand::Compact { workspace, table } => {
            let workspace = open(&workspace.workspace, Access::Own).await?;
            let work = workspace.compact(table.as_deref(), Timestamp::now());
            let done = crate::progress::during("putting files together", work).await?;
            writeln!(
                out,
                "{} buffered rows put into files, {} files put together, {} dropped by retention, {} deleted",
                done.flushed, done.compacted, done.expired, done.deleted
            )?;
        }
        WorkspaceCommand::Token { command } => token(command, &mut out).await?,
        WorkspaceCommand::Outbox { workspace, resend, format } => {
            let workspace = open(&workspace.workspace, Access::Share).await?;
            if *resend {
                let dead = workspace.state().messages(OutboxState::Dead, usize::MAX >> 1)?;
                let now = Timestamp::now();
                workspace
                    .change(|change| dead.iter().try_for_each(|m| change.revive_message(m.seq, now).map(|_| ())))?;
            }
            let mut messages = workspace.state().messages(OutboxState::Dead, usize::MAX >> 1)?;
            messages.extend(workspace.state().messages(OutboxState::Pending, usize::MAX >> 1)?);
            match format {
                TextOrJson::Json => writeln!(out, "{}", json!(messages.iter().map(message_json).collect::<Vec<_>>()))?,
                TextOrJson::Text if messages.is_empty() => writeln!(out, "no messages wait")?,
                TextOrJson::Text => writeln!(out, "{}", listed_messages(&messages))?,
            }
        }
        WorkspaceCommand::Backup { workspace, to } => {
            let workspace = open(&workspace.workspace, Access::Share).await?;
            workspace.backup(to)?;
            writeln!(out, "copied to {}", to.display())?;
        }
    }
    Ok(true)
}

async fn token(command: &TokenCommand, out: &mut dyn Write) -> anyhow::Result<()> {
    match command {
        TokenCommand::Add { workspace, name, expires } => {
            let workspace = open(&workspace.workspace, Access::Share).await?;
            let half = || uuid::Uuid::new_v4().simple().to_string();
            let token = format!("pq_{}{}", half(), half());
            workspace.change(|change| change.add_token(name, &token, Timestamp::now(), *expires))?;
            writeln!(out, "{token}")?;
        }
        TokenCommand::List(WorkspaceArg { workspace }) => {
            let tokens = open(workspace, Access::Share).await?.state().tokens()?;
            if tokens.is_empty() {
                writeln!(out, "no tokens")?;
            }
            for token in tokens {
                let until = token.expires.map_or_else(String::new, |time| format!(", ends {time:.0}"));
                writeln!(out, "{}: made {:.0}{until}", token.name, token.created)?;
            }
        }
        TokenCommand::Revoke { workspace, name } => {
            let workspace = open(&workspace.workspace, Access::Share).await?;
            if !workspace.change(|change| change.drop_token(name))? {
                anyhow::bail!("there is no token '{name}'");
            }
            writeln!(out, "the token {name} has ended")?;
        }
    }
    Ok(())
}

fn message_json(message: &OutboxEntry) -> Value {
    json!({
        "seq": message.seq, "output": message.output, "state": message.state.as_str(), "attempts": message.attempts,
        "created": message.created.to_string(), "notBefore": message.not_before.to_string(), "error": message.error,
        "message": message.message,
    })
}

fn listed_messages(messages: &[OutboxEntry]) -> Table {
    let mut shown = Table::new();
    shown.load_style(presets::NOTHING);
    shown.set_header(["State", "Written", "Output", "Event", "Tries", "Next", "Error"]);
    for message in messages {
        let event = message.message.get("event").and_then(Value::as_str).unwrap_or_default();
        let next =
            if message.state == OutboxState::Dead { String::new() } else { format!("{:.0}", message.not_before) };
        shown.add_row([
            message.state.as_str().to_string(),
            format!("{:.0}", message.created),
            message.output.clone(),
            event.to_string(),
            message.attempts.to_string(),
            next,
            message.error.clone().unwrap_or_default(),
        ]);
    }
    shown
}

/// A table in figures, for programs.
pub(crate) fn table_json(table: &TableStatus) -> Value {
    json!({
        "name": table.name,
        "rows": table.rows,
        "buffered": table.buffered,
        "files": table.files,
        "bytes": table.bytes,
        "columns": table.columns,
        "first": table.times.map(|(first, _)| first.to_string()),
        "last": table.times.map(|(_, last)| last.to_string()),
        "retention": table.retention.map(picquet_rules::Duration::to_iso),
    })
}

fn table_of(tables: &[TableStatus]) -> Table {
    let mut shown = Table::new();
    shown.load_style(presets::NOTHING);
    shown.set_header(["Table", "Rows", "Buffered", "Files", "Size", "First", "Last", "Retention"]);
    for table in tables {
        let second = |time: Timestamp| format!("{time:.0}");
        shown.add_row([
            table.name.clone(),
            table.rows.to_string(),
            table.buffered.to_string(),
            table.files.to_string(),
            size(table.bytes),
            table.times.map_or_else(String::new, |(first, _)| second(first)),
            table.times.map_or_else(String::new, |(_, last)| second(last)),
            table.retention.map_or_else(String::new, |retention| retention.to_string()),
        ]);
    }
    shown
}

/// A number of bytes for people.
pub(crate) fn size(bytes: u64) -> String {
    indicatif::HumanBytes(bytes).to_string()
}
